"""Workflow and component documents: text to nodes, to findings, to typed documents.

Knows nothing but text; the actions and modules there are, are handed in as tables (``specs``).
"""
