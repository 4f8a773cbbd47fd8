"""The workflow document (``workflow-documents.md``).

``check.load_workflow`` reads and checks a text and gives a ``model.Workflow``;
``parameters.bind`` gives its parameters their values; ``evaluation`` answers what an engine asks
while it runs, from a ``scope.Scope``.
"""
