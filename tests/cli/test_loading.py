"""Loading without looking for garbage."""

import gc

import pytest

from imagewright.cli.loading import loading


def test_garbage_is_looked_for_again_once_all_is_loaded_or_could_not_be() -> None:
    try:
        with loading():
            assert not gc.isenabled()
        assert gc.isenabled()

        with pytest.raises(ImportError), loading():
            raise ImportError("half-way")
        assert gc.isenabled()
    finally:
        gc.unfreeze()
