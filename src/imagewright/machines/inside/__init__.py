"""Code that runs inside a namespace, in a process of its own.

It imports the standard library and itself, nothing else, and imports it all before it enters a
guest's file system: a late import could load the guest's code with rights the guest lacks.
Every machine waits for these imports, so they are few: no dataclasses, whose machinery (inspect,
ast, dis) takes a quarter of the start.
"""
