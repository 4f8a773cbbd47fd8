"""What a run is asked to do: by flags, a settings file, or both (``component-documents.md`` §8.2).

The command line outweighs the file, the file the documents. ``documents`` and ``parameters``
cannot be in both.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imagewright.documents.diagnostics import did_you_mean


class AskedWrongly(Exception):
    """The flags or the settings file make no sense; the message says which and why."""


@dataclass(frozen=True, slots=True)
class AskedDocument:
    """One document to run."""

    place: str
    """A path, an ``s3://`` URI, or the ARN of a component's build."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values for this document; the run's own stand beneath them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One run."""

    documents: tuple[AskedDocument, ...]
    phases: tuple[str, ...] | None = None
    """None: all that the documents have."""
    document_s3_bucket_owner: str | None = None
    execution_id: str | None = None
    log_directory: str = "."
    log_s3_bucket_name: str | None = None
    log_s3_bucket_owner: str | None = None
    log_s3_key_prefix: str | None = None
    cw_log_group: str | None = None
    cw_log_stream: str | None = None
    cw_log_region: str | None = None
    cw_ignore_failures: bool = False
    state_directory: str | None = None
    trace: bool = False

    def wants(self, phase: str) -> bool:
        """Tell whether a phase of this name is to run."""
        return self.phases is None or phase in self.phases


_EXECUTION_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_TEXTS: Mapping[str, str] = {
    "documentS3BucketOwner": "document_s3_bucket_owner",
    "executionId": "execution_id",
    "executonId": "execution_id",  # as the guide prints it too
    "logDirectory": "log_directory",
    "logS3BucketName": "log_s3_bucket_name",
    "logS3BucketOwner": "log_s3_bucket_owner",
    "logS3KeyPrefix": "log_s3_key_prefix",
    "cwLogGroup": "cw_log_group",
    "cwLogStream": "cw_log_stream",
    "cwLogRegion": "cw_log_region",
    "stateDirectory": "state_directory",
}
_SWITCHES: Mapping[str, str] = {"cwIgnoreFailures": "cw_ignore_failures", "trace": "trace"}
_NOT_TWICE = ("documents", "parameters")
_KEYS = ("phases", *_NOT_TWICE, *_TEXTS, *_SWITCHES)


def read_asked(flags: Mapping[str, Any], config: str | None = None) -> Asked:
    """Put flags, by the names of ``Asked`` and as they were written, on top of a settings file.

    Raises AskedWrongly.
    """
    given = {name: value for name, value in flags.items() if value not in (None, False)}
    if config is None:
        if "documents" not in given:
            raise AskedWrongly("one of --config and --documents is needed")
        parameters = read_parameters(given.pop("parameters", ""))
        places = _pieces(given.pop("documents"), "--documents")
        documents = [AskedDocument(place, parameters) for place in places]
        return _asked(given | {"documents": documents})
    for name in _NOT_TWICE:
        if name in given:
            raise AskedWrongly(f"--{name} cannot stand beside --config: write it into the file")
    return _asked(_read_config(config) | given)


def read_parameters(text: str) -> dict[str, str]:
    """Read ``name=value,name=value``; a value cannot hold a comma or be empty."""
    found = {}
    for piece in _pieces(text, "--parameters") if text else ():
        name, sign, value = piece.partition("=")
        if not sign or not name:
            raise AskedWrongly(
                f"--parameters takes name=value,name=value, and `{piece}` is none; a value with "
                "a comma goes into the file of --config"
            )
        if not value:
            raise AskedWrongly(f"the parameter `{name}` is given an empty value")
        found[name] = value
    return found


def _asked(members: Mapping[str, Any]) -> Asked:
    phases = members.get("phases")
    known = {**members, "documents": tuple(members["documents"])}
    execution_id = members.get("execution_id")
    if execution_id is not None and _EXECUTION_ID.fullmatch(execution_id) is None:
        raise AskedWrongly(
            f"the execution id `{execution_id}` cannot name a folder: use up to 128 letters, "
            "digits, `.`, `_` and `-`"
        )
    if phases is not None:
        known["phases"] = _pieces(phases, "phases")
    return Asked(**known)


def _pieces(text: str, what: str) -> tuple[str, ...]:
    pieces = tuple(piece.strip() for piece in text.split(","))
    if not all(pieces):
        raise AskedWrongly(f"{what} is a list with commas between, and one of its items is empty")
    return pieces


def _read_config(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AskedWrongly(f"the settings file is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise AskedWrongly("the settings file must hold a JSON object")
    for key in found:
        if key not in _KEYS:
            meant = did_you_mean(key, _KEYS)
            hint = f"did you mean `{meant}`?" if meant else f"it may have {', '.join(_KEYS)}"
            raise AskedWrongly(f"the settings file has no `{key}`; {hint}")
    read: dict[str, Any] = {name: _text(found, key) for key, name in _TEXTS.items() if key in found}
    read |= {name: _switch(found, key) for key, name in _SWITCHES.items() if key in found}
    if "phases" in found:
        read["phases"] = _text(found, "phases")
    of_all = dict(_parameters(found.get("parameters", []), "parameters"))
    return {**read, "documents": tuple(_documents(found, of_all))}


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, str) or not value:
        raise AskedWrongly(f"`{key}` of the settings file must be text")
    return value


def _switch(found: Mapping[str, Any], key: str) -> bool:
    value = found[key]
    if not isinstance(value, bool):
        raise AskedWrongly(f"`{key}` of the settings file must be true or false")
    return value


def _documents(found: Mapping[str, Any], of_all: Mapping[str, str]) -> Iterator[AskedDocument]:
    listed = found.get("documents")
    if not isinstance(listed, list) or not listed:
        raise AskedWrongly("the settings file needs `documents`, a list of objects with `path`")
    for number, item in enumerate(listed):
        where = f"documents[{number}]"
        if not isinstance(item, dict) or not isinstance(item.get("path"), str) or not item["path"]:
            raise AskedWrongly(f"`{where}` of the settings file needs a `path`")
        if strange := sorted(item.keys() - {"path", "parameters"}):
            raise AskedWrongly(f"`{where}` of the settings file has no `{strange[0]}`")
        own = dict(_parameters(item.get("parameters", []), f"{where}.parameters"))
        yield AskedDocument(item["path"], {**of_all, **own})


def _parameters(listed: object, where: str) -> Iterator[tuple[str, str]]:
    if not isinstance(listed, list):
        raise AskedWrongly(f"`{where}` of the settings file must be a list")
    for item in listed:
        if not isinstance(item, dict) or item.keys() != {"name", "value"}:
            raise AskedWrongly(f"an item of `{where}` is an object of `name` and `value`")
        name, value = item["name"], item["value"]
        if not isinstance(name, str) or not isinstance(value, str) or not name or not value:
            raise AskedWrongly(f"`name` and `value` in `{where}` must be text, and not empty")
        yield name, value


def shown_names(documents: Sequence[AskedDocument]) -> str:
    """Name the documents as the executor's messages do."""
    return ", ".join(document.place for document in documents)
