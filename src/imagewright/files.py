"""Writing files that hold secrets or must never be half there."""

import os
import secrets
from pathlib import Path


def write_private(file: Path, content: bytes) -> None:
    """Replace a file so that only its owner can read it, and a crash leaves the old one whole."""
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
