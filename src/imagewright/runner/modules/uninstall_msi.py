"""Removes what an MSI package installed on Windows.

That there is nothing to remove counts as success.
"""

from imagewright.documents.specs import ModuleSpec, Platform
from imagewright.runner.module import Module
from imagewright.runner.modules.install_msi import Inputs, Outputs, no_reserved_property

MODULE = Module(
    ModuleSpec(
        name="UninstallMSI",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        platforms=frozenset({Platform.WINDOWS}),
        extra_check=no_reserved_property,
    )
)
