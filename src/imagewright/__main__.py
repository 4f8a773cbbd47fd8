"""``python -m imagewright`` is the command line."""

from imagewright.cli.main import main

main()
