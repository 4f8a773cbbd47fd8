"""Loading what a command needs, which for some is most of what a user waits for."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import modules in here: no garbage is looked for meanwhile, and never among what they made.

    Nothing of that ever goes, and looking through it again and again took a tenth of a start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
