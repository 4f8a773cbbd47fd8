"""AWS Signature Version 4: reading what a request claims, and proving it.

The payload's hash is always computed from the body that arrived; a header that names another,
or ``UNSIGNED-PAYLOAD``, can therefore never match. Messages follow AWS's own.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

from imagewright.errors import IncompleteSignature, InvalidSignature, RequestExpired
from imagewright.wire.messages import HttpRequest

SKEW = timedelta(minutes=5)
"""How far a signature's time may be from ours, either way (ERR-42)."""

ALGORITHM = "AWS4-HMAC-SHA256"

_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_TIMESTAMP_FORM = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_EXPIRES_SECONDS_MAX = 7 * 24 * 3600
_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its signature; nothing of it is proved yet."""

    access_key_id: str
    date: str
    """``YYYYMMDD``, of the credential scope."""
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    """``YYYYMMDDTHHMMSSZ``."""
    signed_at: datetime
    expires_seconds: int | None
    """Of a presigned request how long it holds; None for a signature in the header."""
    session_token: str | None

    @property
    def scope(self) -> str:
        """As it stands in the string to sign."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_claim(request: HttpRequest) -> Claim | None:
    """Find the signature of a request, in its header or its query; None if there is none.

    Raises IncompleteSignature, naming what is missing or malformed, and InvalidSignature for a
    scope that no signature of ours can have.
    """
    authorization = request.header(b"authorization")
    presigned = _query_parameters(request.query) if b"X-Amz-" in request.query else {}
    if authorization is not None and "X-Amz-Signature" in presigned:
        raise IncompleteSignature("A request is signed in its header or in its query, not in both.")
    if authorization is not None:
        return _header_claim(request, authorization.decode("latin-1"))
    if "X-Amz-Algorithm" in presigned or "X-Amz-Signature" in presigned:
        return _query_claim(presigned)
    return None


def verify(claim: Claim, request: HttpRequest, secret: str, now: datetime) -> None:
    """Prove a claim with the secret of its key.

    Raises InvalidSignature for a mismatch or a clock too far off, RequestExpired for a presigned
    request past its time.
    """
    _check_time(claim, now)
    canonical = canonical_request(claim, request)
    to_sign = _string_to_sign(claim, canonical)
    key = _signing_key(secret, claim.date, claim.region, claim.service)
    signature = hmac.digest(key, to_sign, "sha256").hex()
    if not hmac.compare_digest(signature.encode(), claim.signature.encode()):
        raise InvalidSignature(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details.\n\n"
            "The Canonical String for this request should have been\n"
            f"'{canonical.decode('utf-8', 'replace')}'\n\n"
            f"The String-to-Sign should have been\n'{to_sign.decode('utf-8', 'replace')}'\n"
        )


def sign(
    request: HttpRequest, *, access_key_id: str, secret: str, region: str, service: str
) -> str:
    """Return the ``Authorization`` header of a request that has ``host`` and ``x-amz-date``."""
    timestamp = (request.header(b"x-amz-date") or b"").decode("ascii")
    claim = _claim(
        f"{access_key_id}/{timestamp[:8]}/{region}/{service}/aws4_request",
        "host;x-amz-date",
        "",
        timestamp,
        expires_seconds=None,
        session_token=None,
    )
    to_sign = _string_to_sign(claim, canonical_request(claim, request))
    key = _signing_key(secret, claim.date, region, service)
    signature = hmac.digest(key, to_sign, "sha256").hex()
    headers = ";".join(claim.signed_headers)
    return (
        f"{ALGORITHM} Credential={access_key_id}/{claim.scope}, SignedHeaders={headers}, "
        f"Signature={signature}"
    )


def timestamp_of(moment: datetime) -> str:
    """Spell a moment as ``x-amz-date`` has it."""
    return moment.astimezone(UTC).strftime(_TIMESTAMP)


def canonical_request(claim: Claim, request: HttpRequest) -> bytes:
    """Spell a request as it is hashed for signing."""
    headers = b"".join(
        name.encode("latin-1") + b":" + _header_value(request, name) + b"\n"
        for name in claim.signed_headers
    )
    return b"\n".join(
        (
            request.method.encode("latin-1"),
            _canonical_path(request.path),
            _canonical_query(request.query),
            headers,
            ";".join(claim.signed_headers).encode("latin-1"),
            hashlib.sha256(request.body).hexdigest().encode(),
        )
    )


def _header_claim(request: HttpRequest, authorization: str) -> Claim:
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise IncompleteSignature(f"Unsupported AWS 'algorithm'; use {ALGORITHM}.")
    parts = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise IncompleteSignature(
                "Authorization header holds a part that is not a valid key=value pair "
                "(missing equal-sign)."
            )
        parts[name] = value
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]
    timestamp = _header_timestamp(request)
    complaints = [f"Authorization header requires '{name}' parameter." for name in missing]
    if timestamp is None:
        complaints.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if complaints or timestamp is None:
        raise IncompleteSignature(" ".join(complaints))
    token = request.header(b"x-amz-security-token")
    return _claim(
        parts["Credential"],
        parts["SignedHeaders"],
        parts["Signature"],
        timestamp,
        expires_seconds=None,
        session_token=token.decode("latin-1") if token is not None else None,
    )


def _query_claim(query: dict[str, str]) -> Claim:
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        raise IncompleteSignature(f"Unsupported AWS 'algorithm'; use {ALGORITHM}.")
    wanted = (
        "X-Amz-Credential",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Date",
        "X-Amz-Expires",
    )
    missing = [name for name in wanted if not query.get(name)]
    if missing:
        raise IncompleteSignature(
            " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
        )
    credential, headers, signature, timestamp, expires = (query[name] for name in wanted)
    return _claim(
        credential,
        headers,
        signature,
        timestamp,
        expires_seconds=_expires_seconds(expires),
        session_token=query.get("X-Amz-Security-Token"),
    )


def _claim(
    credential: str,
    signed_headers: str,
    signature: str,
    timestamp: str,
    *,
    expires_seconds: int | None,
    session_token: str | None,
) -> Claim:
    elements = credential.split("/")
    if len(elements) != 5 or not all(elements):
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, "
            "e.g. keyid/date/region/service/term."
        )
    access_key_id, date, region, service, terminator = elements
    if terminator != "aws4_request":
        raise InvalidSignature(
            "Credential should be scoped with a valid terminator: 'aws4_request'."
        )
    names = tuple(name.lower() for name in signed_headers.split(";"))
    if "host" not in names:
        raise InvalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    return Claim(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_headers=names,
        signature=signature,
        timestamp=timestamp,
        signed_at=_moment(timestamp),
        expires_seconds=expires_seconds,
        session_token=session_token,
    )


def _header_timestamp(request: HttpRequest) -> str | None:
    """Return the time of signing: ``X-Amz-Date``, else ``Date`` brought into the same form."""
    ours, general = request.header(b"x-amz-date"), request.header(b"date")
    if ours is not None:
        return ours.decode("latin-1").strip()
    if general is None:
        return None
    text = general.decode("latin-1").strip()
    if _TIMESTAMP_FORM.fullmatch(text):
        return text
    try:
        return parsedate_to_datetime(text).astimezone(UTC).strftime(_TIMESTAMP)
    except (ValueError, OverflowError):
        return text


def _moment(timestamp: str) -> datetime:
    if _TIMESTAMP_FORM.fullmatch(timestamp):
        day, clock = timestamp[:8], timestamp[9:15]
        try:
            return datetime(
                int(day[:4]),
                int(day[4:6]),
                int(day[6:]),
                int(clock[:2]),
                int(clock[2:4]),
                int(clock[4:]),
                tzinfo=UTC,
            )
        except ValueError:
            pass
    raise IncompleteSignature(f"Date must be in ISO-8601 'basic format'. Got '{timestamp[:40]}'.")


def _expires_seconds(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 6:
        seconds = int(text)
        if 1 <= seconds <= _EXPIRES_SECONDS_MAX:
            return seconds
    raise IncompleteSignature(
        f"X-Amz-Expires must be a number of seconds between 1 and {_EXPIRES_SECONDS_MAX}."
    )


def _check_time(claim: Claim, now: datetime) -> None:
    if claim.date != claim.timestamp[:8]:
        raise InvalidSignature(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{claim.date[:40]}' != '{claim.timestamp[:8]}', from '{claim.timestamp}'."
        )
    current = now.astimezone(UTC)
    ahead = claim.signed_at - current
    if ahead > SKEW:
        latest = current + SKEW
        raise InvalidSignature(
            f"Signature not yet current: {claim.timestamp} is still later than "
            f"{latest:{_TIMESTAMP}} ({current:{_TIMESTAMP}} + 5 min.)"
        )
    if claim.expires_seconds is not None:
        end = claim.signed_at + timedelta(seconds=claim.expires_seconds)
        if end < current:
            raise RequestExpired(
                f"Signature expired: {end:{_TIMESTAMP}} is now earlier than {current:{_TIMESTAMP}}"
            )
    elif -ahead > SKEW:
        earliest = current - SKEW
        raise InvalidSignature(
            f"Signature expired: {claim.timestamp} is now earlier than "
            f"{earliest:{_TIMESTAMP}} ({current:{_TIMESTAMP}} - 5 min.)"
        )


def _string_to_sign(claim: Claim, canonical: bytes) -> bytes:
    digest = hashlib.sha256(canonical).hexdigest()
    return "\n".join((ALGORITHM, claim.timestamp, claim.scope, digest)).encode("latin-1")


@lru_cache(maxsize=256)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _header_value(request: HttpRequest, name: str) -> bytes:
    value = request.header(name.encode("latin-1"))
    return b" ".join(value.split()) if value is not None else b""


def _canonical_path(path: bytes) -> bytes:
    """Encode the path as sent once more, dots resolved (WIRE-04)."""
    segments: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del segments[-1:]
        elif segment not in (b"", b"."):
            segments.append(segment)
    normal = b"/" + b"/".join(segments)
    if segments and path.endswith(b"/"):
        normal += b"/"
    return quote_from_bytes(normal, safe="/" + _UNRESERVED).encode()


def _canonical_query(query: bytes) -> bytes:
    pairs = sorted(
        (_normal(name), _normal(value))
        for name, value in _query_pairs(query)
        if name != b"X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs).encode()


def _normal(part: bytes) -> str:
    return quote_from_bytes(unquote_to_bytes(part), safe=_UNRESERVED)


def _query_pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    fields = (field.partition(b"=") for field in query.split(b"&") if field)
    return [(name, value) for name, _, value in fields]


def _query_parameters(query: bytes) -> dict[str, str]:
    return {
        unquote_to_bytes(name).decode("latin-1"): unquote_to_bytes(value).decode("latin-1")
        for name, value in _query_pairs(query)
    }
