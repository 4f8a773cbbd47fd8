"""Sets a value in the Windows registry; keys on the way are made."""

from dataclasses import dataclass, field
from typing import Literal

from imagewright.documents.specs import InputShape, ModuleSpec, Platform, about
from imagewright.runner.module import Module

_ROOTS = (
    r"(?is)(HKEY_(CLASSES_ROOT|USERS|LOCAL_MACHINE|CURRENT_CONFIG|CURRENT_USER)"
    r"|(HKCR|HKU|HKLM|HKCC|HKCU):)([\\/].*)?"
)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What SetRegistry takes, for each entry."""

    path: str = field(
        metadata=about("The key.", pattern=_ROOTS, pattern_says="a key below HKLM: or another root")
    )
    name: str = field(metadata=about("Of the value."))
    value: object = field(metadata=about("Text, a number, or a list for MULTI_SZ."))
    type: Literal["BINARY", "DWORD", "QWORD", "SZ", "EXPAND_SZ", "MULTI_SZ"] = field(
        metadata=about("Of the value.")
    )


MODULE = Module(
    ModuleSpec(
        name="SetRegistry",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        platforms=frozenset({Platform.WINDOWS}),
    )
)
