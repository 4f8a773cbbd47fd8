"""Sets a value in the Windows registry; keys on the way are made.

DWORD and QWORD take whole numbers, also as ``0x…``; MULTI_SZ takes a list, or one text. BINARY
takes bytes as pairs of hexadecimal digits, with spaces, commas or hyphens between them or without,
or as a list of numbers up to 255; the guide says nothing of it.

It was tested against a recording of what it sends to a machine, and not on Windows: no driver of
this release gives a Windows machine, and a component that needs one is refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from imagewright.documents.specs import UNKNOWN, InputShape, ModuleSpec, Platform, Problem, about
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.powershell import array, literal
from imagewright.runner.windows import Windows

_ROOTS = (
    r"(?is)(HKEY_(CLASSES_ROOT|USERS|LOCAL_MACHINE|CURRENT_CONFIG|CURRENT_USER)"
    r"|(HKCR|HKU|HKLM|HKCC|HKCU):)([\\/].*)?"
)
_SHORT = {
    "HKCR:": "HKEY_CLASSES_ROOT",
    "HKU:": "HKEY_USERS",
    "HKLM:": "HKEY_LOCAL_MACHINE",
    "HKCC:": "HKEY_CURRENT_CONFIG",
    "HKCU:": "HKEY_CURRENT_USER",
}
_KINDS = {
    "BINARY": "Binary",
    "DWORD": "DWord",
    "QWORD": "QWord",
    "SZ": "String",
    "EXPAND_SZ": "ExpandString",
    "MULTI_SZ": "MultiString",
}
_BITS = {"DWORD": 32, "QWORD": 64}
_INTEGERS = {"DWORD": "int", "QWORD": "long"}
_NUMBER = re.compile(r"-?[0-9]{1,20}|0x[0-9a-f]{1,16}", re.ASCII | re.IGNORECASE)
_BETWEEN_BYTES = re.compile(r"[\s,-]+")
_BYTES = re.compile(r"([0-9a-f]{2})*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What SetRegistry takes, for each entry."""

    path: str = field(
        metadata=about("The key.", pattern=_ROOTS, pattern_says="a key below HKLM: or another root")
    )
    name: str = field(metadata=about("Of the value."))
    value: object = field(metadata=about("Text, a number, or a list for MULTI_SZ and BINARY."))
    type: Literal["BINARY", "DWORD", "QWORD", "SZ", "EXPAND_SZ", "MULTI_SZ"] = field(
        metadata=about("Of the value.")
    )


def run(inputs: Inputs, guest: Guest) -> None:
    """Set it."""
    value = _spelt(inputs.type, inputs.value)
    Windows(guest).script(
        f"[Microsoft.Win32.Registry]::SetValue({literal(_key(inputs.path))}, "
        f"{literal(inputs.name)}, {value}, "
        f"[Microsoft.Win32.RegistryValueKind]::{_KINDS[inputs.type]})"
    )


def _key(path: str) -> str:
    """Spell a key with the whole name of its root."""
    root, *names = [part for part in re.split(r"[\\/]+", path) if part]
    return "\\".join((_SHORT.get(root.upper(), root.upper()), *names))


def _spelt(type_: str, value: object) -> str:
    """Spell a value as PowerShell does; it was checked before."""
    match type_:
        case "BINARY":
            return array("byte", [str(byte) for byte in _bytes(value) or ()])
        case "MULTI_SZ":
            texts = value if isinstance(value, list) else [value]
            return array("string", [literal(str(text)) for text in texts])
        case "DWORD" | "QWORD":
            # Bits beyond the sign are as good as a sign: the registry itself knows none.
            number, bits = _number(value) or 0, _BITS[type_]
            signed = number - (1 << bits) if number >= 1 << (bits - 1) else number
            return f"[{_INTEGERS[type_]}]'{signed}'"
        case _:
            return f"[string]{literal(str(value))}"


def _number(value: object) -> int | None:
    text = str(value).strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    return int(text, 16 if text[:2].lower() == "0x" else 10)


def _bytes(value: object) -> bytes | None:
    if isinstance(value, list):
        numbers = [_number(item) for item in value]
        bytes_ = [number for number in numbers if number is not None and 0 <= number <= 255]
        return bytes(bytes_) if len(bytes_) == len(value) else None
    digits = _BETWEEN_BYTES.sub("", str(value))
    return bytes.fromhex(digits) if _BYTES.fullmatch(digits) else None


def _value_fits(values: Mapping[str, object]) -> Iterator[Problem]:
    type_, value = values.get("type"), values.get("value")
    items = value if isinstance(value, list) else [value]
    if any(each is UNKNOWN for each in (type_, value, *items)):
        return
    problem = ""
    is_list = isinstance(value, list)
    if isinstance(value, dict) or (is_list and type_ not in ("MULTI_SZ", "BINARY")):
        problem = "takes one text or number"
    elif any(isinstance(item, list | dict) for item in items):
        problem = "takes a list of texts"
    elif type_ == "BINARY" and _bytes(value) is None:
        problem = "takes pairs of hexadecimal digits, or a list of numbers up to 255"
    elif type_ in _BITS:
        bits, number = _BITS[str(type_)], _number(value)
        if number is None or not -(1 << (bits - 1)) <= number < 1 << bits:
            problem = f"takes a whole number of {bits} bits"
    if problem:
        yield Problem("wrong value", ("value",), f"a value of the type {type_} {problem}")


MODULE = Module(
    ModuleSpec(
        name="SetRegistry",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        platforms=frozenset({Platform.WINDOWS}),
        extra_check=_value_fits,
        built=True,
    ),
    run,
)
