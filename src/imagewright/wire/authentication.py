"""Who sends a request: proved by its signature, or taken on trust where that was asked for."""

import re
from dataclasses import dataclass
from typing import Protocol

from imagewright.call import Principal
from imagewright.clock import Clock
from imagewright.errors import (
    ApiError,
    Forbidden,
    InvalidSignature,
    MissingAuthenticationToken,
    UnrecognizedClient,
)
from imagewright.wire.loopback import is_loopback_header
from imagewright.wire.messages import HttpRequest
from imagewright.wire.sigv4 import Claim, read_claim, verify

SERVICE = "imagebuilder"

_REGION = re.compile(r"(?=.{1,64}$)[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
"""As in the ARNs of workflows (ARN-04)."""

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


class AccessKey(Protocol):
    """A pair of key id and secret, and whom it stands for."""

    @property
    def access_key_id(self) -> str:
        """What a request names it by."""
        ...

    @property
    def secret_access_key(self) -> str:
        """What only the caller and we know."""
        ...

    @property
    def account(self) -> str:
        """Twelve digits."""
        ...

    @property
    def arn(self) -> str:
        """The principal's."""
        ...


class KeyFinder(Protocol):
    """Where access keys are kept."""

    def find(self, access_key_id: str, /) -> AccessKey | None:
        """Return the key with that id, if there is one. Called from several threads at once."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the region that the request is for."""

    principal: Principal
    region: str

    @property
    def partition(self) -> str:
        """The partition that AWS's clients compute for the region."""
        found = (name for start, name in _PARTITIONS.items() if self.region.startswith(start))
        return next(found, "aws")


class Authenticator(Protocol):
    """Tells who sends a request."""

    def authenticate(self, request: HttpRequest, service: str = SERVICE) -> Caller:
        """Return the caller. Raises a FrontEndError (ERR-40)."""
        ...


class SignedRequests:
    """Lets in whoever signed the request with a known key (SigV4, header or query form)."""

    def __init__(self, keys: KeyFinder, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def authenticate(self, request: HttpRequest, service: str = SERVICE) -> Caller:
        """See Authenticator; ``service`` is what the signature must be for.

        Our keys are lasting ones: a session token belongs to none of them.
        """
        claim = read_claim(request)
        if claim is None:
            raise MissingAuthenticationToken
        key = self._keys.find(claim.access_key_id)
        if key is None or claim.session_token is not None:
            raise UnrecognizedClient
        _check_scope(claim, service)
        verify(claim, request, key.secret_access_key, self._clock.now())
        return Caller(Principal(key.account, key.arn, key.access_key_id), claim.region)


class AnyRequest:
    """Takes every request, signed or not, for one principal's: for use as an emulator.

    Only a browser's are refused, since any page that its user opens can send some. The region is
    the signature's if there is a usable one.
    """

    def __init__(self, principal: Principal, default_region: str) -> None:
        self._principal = principal
        self._default_region = default_region

    def authenticate(self, request: HttpRequest, service: str = SERVICE) -> Caller:
        """See Authenticator. Raises Forbidden for what comes from a web page."""
        _refuse_web_pages(request)
        try:
            claim = read_claim(request)
        except ApiError:
            claim = None
        usable = claim is not None and _REGION.fullmatch(claim.region)
        region = claim.region if claim is not None and usable else self._default_region
        return Caller(self._principal, region)


def _refuse_web_pages(request: HttpRequest) -> None:
    for name in (b"origin", b"sec-fetch-site"):
        if request.header(name) is not None:
            raise Forbidden(
                "This server checks no signatures, so it refuses requests from web pages "
                f"(header '{name.decode()}')."
            )
    host = request.header(b"host")
    if host is not None and not is_loopback_header(host):
        # A page may have bound its own name to this address (DNS rebinding).
        raise Forbidden(
            "This server checks no signatures, so it answers to 'localhost' and loopback "
            f"addresses alone, not to the host '{host[:100].decode('latin-1')}'."
        )


def _check_scope(claim: Claim, service: str) -> None:
    if claim.service != service:
        raise InvalidSignature(f"Credential should be scoped to correct service: '{service}'.")
    if not _REGION.fullmatch(claim.region):
        raise InvalidSignature(
            f"Credential should be scoped to a valid region, not '{claim.region}'; "
            "a region looks like us-east-1 or local-dc-1."
        )
