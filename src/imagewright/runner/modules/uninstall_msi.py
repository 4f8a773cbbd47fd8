"""Removes what an MSI package installed on Windows.

It takes what InstallMSI takes and judges as that does; that there is nothing to remove (1605)
counts as success too.

It was tested against a recording of what it sends to a machine, and not on Windows: no driver of
this release gives a Windows machine, and a component that needs one is refused by name.
"""

from imagewright.documents.specs import ModuleSpec, Platform
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.modules.install_msi import (
    SUCCESS,
    Inputs,
    Outputs,
    execute,
    no_reserved_property,
)

_NOT_INSTALLED = 1605


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Remove it."""
    return execute(inputs, guest, "/x", SUCCESS | {_NOT_INSTALLED})


MODULE = Module(
    ModuleSpec(
        name="UninstallMSI",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        platforms=frozenset({Platform.WINDOWS}),
        extra_check=no_reserved_property,
        built=True,
    ),
    run,
)
