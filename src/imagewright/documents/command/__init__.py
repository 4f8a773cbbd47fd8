"""The command document of Systems Manager, schema 2.2: what `RunCommand` runs."""
