"""Layers, what they start from, and what becomes of them.

``layers.py`` keeps them; ``catalogue.py`` finds the one for a parent image, made by ``bases.py`` or
``imports.py`` where need be; ``inventory.py`` and ``contents.py`` look into them;
``export_oci.py`` and ``export_tar.py`` write them out; ``prune.py`` frees what nothing needs.
What lies in a layer is read and written inside a namespace only (``machines/inside``).
"""
