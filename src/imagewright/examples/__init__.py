"""Documents to begin with; ``imagewright demo`` builds an image from them."""

from importlib.resources import files


def text(name: str) -> str:
    """Return one of the documents."""
    return (files(__package__) / name).read_text("utf-8")
