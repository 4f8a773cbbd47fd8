"""Where finished images go: a folder, a bucket or a registry for each region.

``distributor.py`` makes the copies and records them; ``targets.py`` reads from the settings which
place stands for a region; ``folder.py``, ``bucket.py`` and ``registry.py`` are the places.
"""
