"""Names that images and registries go by: the Open Container Initiative's, and Docker's."""

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
GZIPPED_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
ANY_MANIFEST = ", ".join((INDEX, MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))

REFERENCE_NAME = "org.opencontainers.image.ref.name"
"""The annotation that says what an image in a layout is called."""

DOCKER_HUB = "docker.io"
"""How references and settings call Docker Hub."""
DOCKER_HUB_URL = "https://registry-1.docker.io"
"""Where it listens."""
_DOCKER_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


def registry_name(host: str) -> str:
    """Return the one name of a registry that may be spelled in other ways, ``HOST[:PORT]``."""
    name = host.lower()
    return DOCKER_HUB if name in _DOCKER_HUB_NAMES else name
