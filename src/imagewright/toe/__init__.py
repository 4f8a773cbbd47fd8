"""Component documents run by themselves, as ``awstoe`` shows it from outside.

Named after AWS's task orchestrator and executor: its flags and settings file (``asked.py``), where
documents come from (``documents.py``), a run of several of them (``run.py``), its log folder
(``log_folder.py``, ``console.py``, ``detailed.py``). What happens in a step is the runner's.
"""
