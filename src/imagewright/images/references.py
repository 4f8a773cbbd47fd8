"""References to images in registries, as docker reads them: ``[HOST[:PORT]/]PATH[:TAG][@DIGEST]``.

A recipe's parent may be one (CTR-04), and so may what the operator's table maps a parent to.
"""

import re
from dataclasses import dataclass

from imagewright.oci import DOCKER_HUB, registry_name

PREFIX = "docker://"
"""Makes a reference of a name that could be something else."""

_OFFICIAL = "library"
_REFERENCE = re.compile(
    r"(?:(?P<host>(?:[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]*[a-zA-Z0-9]|localhost|\[[0-9a-fA-F:]+\])"
    r"(?::[0-9]{1,5})?|[a-zA-Z0-9-]+:[0-9]{1,5})/)?"
    r"(?P<path>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,128}))?",
    re.ASCII,
)
_OTHER = re.compile(
    r"ami-[0-9a-f]+|prod-[a-z0-9]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:ssm|arn):.*",
    re.ASCII | re.DOTALL,
)
"""Parents of machine images that would be references too (RCP-02)."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry."""

    host: str
    repository: str
    tag: str | None
    digest: str | None
    """Given beside a tag, it alone counts."""

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.host}/{self.repository}{tag}{digest}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest, else the tag."""
        return self.digest or self.tag or "latest"


def read_reference(text: str, *, may_be_bare: bool = False) -> Reference | None:
    """Read a reference, spelled out: ``debian:12`` is ``docker.io/library/debian:12``.

    None for what is none. A name alone, such as ``debian``, is one with ``docker://`` before it,
    or where it may be nothing else (``may_be_bare``).
    """
    is_prefixed = text.startswith(PREFIX)
    name = text.removeprefix(PREFIX)
    match = _REFERENCE.fullmatch(name)
    if match is None or (not is_prefixed and _OTHER.fullmatch(name)):
        return None
    is_bare = not any(character in name for character in "/:@")
    if is_bare and not (is_prefixed or may_be_bare):
        return None
    host, path, digest = match["host"] or DOCKER_HUB, match["path"], match["digest"]
    host = registry_name(host)
    if host == DOCKER_HUB:
        path = path if "/" in path else f"{_OFFICIAL}/{path}"
    tag = match["tag"] or (None if digest else "latest")
    return Reference(host, path, tag, digest)
