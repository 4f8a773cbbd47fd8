"""What components fetch from elsewhere, and put there, by way of this host (§7.2).

The host does it, not the machine: so no key of the settings enters a machine, and nothing need be
installed in one.
"""
