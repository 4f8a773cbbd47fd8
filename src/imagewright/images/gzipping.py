"""gzip frames without a name and a time, so that equal content gives equal bytes."""

from isal import isal_zlib

_GZIP = 31
"""zlib's window size with a gzip frame around it."""
_LEVEL = 2
"""Of 0 to 3. Higher ones take longer and save little: a base image of 275 MB packs to 110 MB in a
second, where zlib's usual levels come to 100 MB in eight to sixteen."""

_NAMES = (".gz", ".tgz")


def is_gzip(name: str) -> bool:
    """Tell whether a file's name says that what is in it is gzipped."""
    return name.endswith(_NAMES)


class Gzip:
    """One frame in the making."""

    def __init__(self) -> None:
        self._compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)

    def add(self, data: bytes) -> bytes:
        """Take more of the content, and return what of the frame is ready."""
        return bytes(self._compressor.compress(data))

    def finish(self) -> bytes:
        """Return the rest of the frame."""
        return bytes(self._compressor.flush())
