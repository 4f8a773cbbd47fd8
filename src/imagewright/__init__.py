"""EC2 Image Builder that runs anywhere."""

__version__ = "0.1.0.dev0"
