"""How a guest's programs learn of the authorities that its host trusts, without its image's help.

The bundle lies in ``/run``, which is no part of any layer, and programs are told by variables. The
image's own store is left alone: what lay there would be in the layer, and a mount over it would
keep ``update-ca-certificates`` from working.
"""

from collections.abc import Mapping

_BUNDLE = "/run/imagewright/ca-certificates.crt"
_APT = "/run/imagewright/apt.conf"

ENVIRONMENT: Mapping[str, str] = {
    "SSL_CERT_FILE": _BUNDLE,  # OpenSSL, Python, Ruby, Go
    "CURL_CA_BUNDLE": _BUNDLE,
    "REQUESTS_CA_BUNDLE": _BUNDLE,  # Python's requests, and pip
    "GIT_SSL_CAINFO": _BUNDLE,
    "NODE_EXTRA_CA_CERTS": _BUNDLE,
    "AWS_CA_BUNDLE": _BUNDLE,
    "APT_CONFIG": _APT,  # read besides the guest's own configuration
}
"""What lies beneath every command's own environment; ``sudo`` drops it, like that of a proxy."""


def files(bundle: bytes) -> Mapping[str, bytes]:
    """Return what is put into a running guest, by path."""
    return {_BUNDLE: bundle, _APT: f'Acquire::https::CaInfo "{_BUNDLE}";\n'.encode()}
