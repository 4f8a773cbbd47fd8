"""Where this host gets Debian from, so that bases come from the same place."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imagewright.process import CommandFailed, run

_DEBIAN_SUITES = frozenset(
    {"bullseye", "bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"}
)
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The two archives that a Debian release lives in; one without security updates has none."""

    archive: str
    security: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """One archive and suite of apt's sources."""

    uri: str
    suite: str


def host_mirror(otherwise: Mirror, apt: Path = Path("/etc/apt")) -> Mirror:
    """Return the mirror that this host's apt uses for Debian, ``otherwise`` where it has none."""
    sources = [
        source
        for source in _sources(apt)
        if source.uri.startswith(("http://", "https://"))
        and source.suite.partition("-")[0] in _DEBIAN_SUITES
        and source.uri.rstrip("/").endswith(("/debian", "/debian-security"))
    ]
    archives = [s.uri for s in sources if not s.suite.endswith("-security")]
    securities = [s.uri for s in sources if s.suite.endswith("-security")]
    if not archives:
        return otherwise
    return Mirror(archives[0].rstrip("/"), securities[0].rstrip("/") if securities else None)


def proxy_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that lead programs to this host's proxy, in both spellings.

    From the environment; failing that, from apt's configuration.
    """
    found = {}
    for name in _PROXY_VARIABLES:
        if value := environ.get(name) or environ.get(name.upper()):
            found[name] = found[name.upper()] = value
    if "http_proxy" not in found and (proxy := _apt_proxy()):
        # Python and curl do not read the capitals for http, for fear of CGI.
        found["http_proxy"] = proxy
    return found


def _apt_proxy() -> str | None:
    try:
        result = run(
            ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
            timeout_seconds=10, check=False,
        )  # fmt: skip
    except CommandFailed:
        return None
    value = result.stdout.decode("utf-8", "replace").strip().removeprefix("proxy=").strip("'\"")
    return value if value.startswith(("http://", "https://")) else None


def _sources(apt: Path) -> Iterator[Source]:
    files = [apt / "sources.list", *sorted(apt.glob("sources.list.d/*"))]
    for file in files:
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            continue
        if file.suffix == ".list":
            yield from _one_line_sources(text)
        elif file.suffix == ".sources":
            yield from _deb822_sources(text)


def _one_line_sources(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words[:1] != ["deb"]:
            continue
        rest = words[1:]
        if rest and rest[0].startswith("["):
            while rest and not rest[0].endswith("]"):
                rest = rest[1:]
            rest = rest[1:]
        if len(rest) >= 2:
            yield Source(rest[0], rest[1])


def _deb822_sources(text: str) -> Iterator[Source]:
    for stanza in _stanzas(text.splitlines()):
        if stanza.get("enabled", "yes").lower() in {"no", "false", "0"}:
            continue
        if "deb" in stanza.get("types", "").split():
            for uri in stanza.get("uris", "").split():
                for suite in stanza.get("suites", "").split():
                    yield Source(uri, suite)


def _stanzas(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Read the paragraphs of a deb822 file, field names in lower case."""
    stanza: dict[str, str] = {}
    field = ""
    for line in [*lines, ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, field = {}, ""
        elif line[0].isspace():
            stanza[field] = f"{stanza.get(field, '')} {line.strip()}"
        else:
            name, _, value = line.partition(":")
            field = name.strip().lower()
            stanza[field] = value.strip()
