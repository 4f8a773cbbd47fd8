"""What the process that holds a machine loads before it can do anything."""

import subprocess
import sys
from pathlib import Path

import imagewright


def test_the_keeper_loads_no_dear_part_of_the_standard_library() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1]); import imagewright.machines.inside.keeper; "
        "print(*sys.modules)"
    )
    source = str(Path(imagewright.__file__).parent.parent)

    loaded = subprocess.check_output([sys.executable, "-I", "-S", "-c", code, source], text=True)

    assert not {"dataclasses", "inspect", "subprocess", "lzma"} & set(loaded.split())
