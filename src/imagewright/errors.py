"""Errors a caller may see, by the code the wire shows.

ApiError
  InvalidRequest
  InvalidParameter
  InvalidParameterValue
  InvalidParameterCombination
  InvalidVersionNumber
  InvalidPaginationToken
  IdempotentParameterMismatch
  ResourceAlreadyExists
  ResourceDependency
  ResourceInUse
  ResourceNotFound
  ServiceQuotaExceeded
  CallRateLimitExceeded
  DryRunSucceeded
  ClientError
  Forbidden
  ServiceError
  ServiceUnavailable
  FrontEndError       not in the service model; carries its own status
    ... (api-behaviour.md ERR-40)

A code's HTTP status comes from the service model, except for ``FrontEndError``.
Constructors take facts and make the sentence, so that every place says it alike.
"""

from collections.abc import Sequence
from typing import ClassVar


class ApiError(Exception):
    """An error with a place in the service's vocabulary; ``str()`` is the message on the wire."""

    code: ClassVar[str]

    @property
    def message(self) -> str:
        """The text the caller reads."""
        return str(self)


class InvalidRequest(ApiError):
    """The request as a whole cannot be served: malformed, or wrong for the state of things."""

    code = "InvalidRequestException"


class InvalidParameter(ApiError):
    """A bad ARN or tag in one of the three tag operations (TAG-01)."""

    code = "InvalidParameterException"


class InvalidParameterValue(ApiError):
    """One value is wrong (ERR-20): ``path`` is its JSON path from the body's root."""

    code = "InvalidParameterValueException"

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"The value supplied for parameter '{path}' is not valid. {reason}")


class InvalidParameterCombination(ApiError):
    """Members that exclude each other, or one without its companion."""

    code = "InvalidParameterCombinationException"


class InvalidVersionNumber(ApiError):
    """A version node is out of range (VER-03)."""

    code = "InvalidVersionNumberException"


class InvalidPaginationToken(ApiError):
    """The token is garbage, or belongs to another list or other filters (PAG-05, PAG-06)."""

    code = "InvalidPaginationTokenException"

    def __init__(self) -> None:
        super().__init__("The pagination token is not valid for this request.")


class IdempotentParameterMismatch(ApiError):
    """A client token came back with other parameters (IDM-03)."""

    code = "IdempotentParameterMismatchException"

    def __init__(self, token: str) -> None:
        super().__init__(f"The client token '{token}' was already used with different parameters.")


class ResourceAlreadyExists(ApiError):
    """The name or version is taken (VER-05, VER-06); ``kind`` in CamelCase, ``ImageRecipe``."""

    code = "ResourceAlreadyExistsException"

    def __init__(self, kind: str, arn: str) -> None:
        self.arn = arn
        super().__init__(f"The following resource '{kind}' already exists: '{arn}'.")


class ResourceDependency(ApiError):
    """Others stand on this resource (CRT-72)."""

    code = "ResourceDependencyException"

    def __init__(self, arn: str, *, referrers: Sequence[str] = ()) -> None:
        self.referrers = tuple(referrers)
        used_by = f" Used by: {', '.join(referrers)}." if referrers else ""
        super().__init__(
            f"Resource dependency error: The resource ARN '{arn}' has other resources "
            f"depended on it.{used_by}"
        )


class ScannerNotEnabled(ApiError):
    """A scan was asked for where nothing can scan (SCN-03)."""

    code = "ResourceDependencyException"

    def __init__(self, account: str, way_out: str) -> None:
        super().__init__(
            "Resource dependency error: Amazon Inspector is not enabled for 'ec2' resources in "
            f"account '{account}'. {way_out}"
        )


class ResourceInUse(ApiError):
    """Busy just now; the same request may pass later."""

    code = "ResourceInUseException"


class ResourceNotFound(ApiError):
    """No such resource for this caller (ERR-26)."""

    code = "ResourceNotFoundException"

    def __init__(self, arn: str) -> None:
        self.arn = arn
        super().__init__(f"The resource '{arn}' cannot be found.")


class ServiceQuotaExceeded(ApiError):
    """A count reached its quota (QUO-01)."""

    code = "ServiceQuotaExceededException"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"You have reached the quota of {limit} {what}.")


class CallRateLimitExceeded(ApiError):
    """Too many calls in too short a time."""

    code = "CallRateLimitExceededException"

    def __init__(self) -> None:
        super().__init__("Rate exceeded")


class DryRunSucceeded(ApiError):
    """A dry run that found nothing wrong (CRT-30)."""

    code = "DryRunOperationException"

    def __init__(self) -> None:
        super().__init__("Request would have succeeded, but DryRun flag is set.")


class ClientError(ApiError):
    """A downstream service rejected a value of the caller."""

    code = "ClientException"


class Forbidden(ApiError):
    """The caller may not do this to that, or a needed dependency refuses."""

    code = "ForbiddenException"


class ServiceError(ApiError):
    """Ours: the store cannot be written, or a defect."""

    code = "ServiceException"


class ServiceUnavailable(ApiError):
    """Ours: stopping, or something we need is out of reach."""

    code = "ServiceUnavailableException"


class FrontEndError(ApiError):
    """What AWS's front end sends before the service is reached (ERR-40)."""

    status: ClassVar[int]


class MissingAuthenticationToken(FrontEndError):
    """No signature at all."""

    code = "MissingAuthenticationTokenException"
    status = 403

    def __init__(self) -> None:
        super().__init__("Missing Authentication Token")


class IncompleteSignature(FrontEndError):
    """A signature with parts missing or malformed."""

    code = "IncompleteSignature"
    status = 403


class UnrecognizedClient(FrontEndError):
    """An unknown access key."""

    code = "UnrecognizedClientException"
    status = 403

    def __init__(self) -> None:
        super().__init__("The security token included in the request is invalid.")


class InvalidSignature(FrontEndError):
    """The signature does not match, or the clocks differ too much (ERR-42)."""

    code = "InvalidSignatureException"
    status = 403


class RequestExpired(FrontEndError):
    """A presigned request past its time."""

    code = "RequestExpired"
    status = 400


class AccessDenied(ApiError):
    """The principal lacks the permission for the operation (ERR-41)."""

    code = "AccessDeniedException"

    def __init__(self, principal_arn: str, action: str, resource: str) -> None:
        super().__init__(
            f"User: {principal_arn} is not authorized to perform: {action} on resource: {resource}"
        )


class UnknownOperation(FrontEndError):
    """No operation answers this method and path."""

    code = "UnknownOperationException"
    status = 404

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"No operation of imagebuilder answers {method} {path}.")


class NotBuiltYet(FrontEndError):
    """An operation of the model that this release does not serve. It never pretends."""

    code = "NotImplemented"
    status = 501

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"imagewright does not serve the operation {operation} yet. Nothing was changed."
        )


class RequestEntityTooLarge(FrontEndError):
    """The body is larger than any request may be."""

    code = "RequestEntityTooLargeException"
    status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes.")


class HeadTooLarge(FrontEndError):
    """The first line and the headers are longer than those of any request may be."""

    code = "RequestHeaderSectionTooLarge"
    status = 431

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The head of the request is larger than {limit_bytes} bytes.")


class RequestTimeout(FrontEndError):
    """The request came too slowly."""

    code = "RequestTimeout"
    status = 408

    def __init__(self, limit_seconds: float) -> None:
        super().__init__(f"The request was not there after {limit_seconds:g} seconds.")


class MalformedHttpRequest(FrontEndError):
    """Not HTTP as anyone sends it."""

    code = "MalformedHttpRequestException"
    status = 400


class InternalFailure(FrontEndError):
    """A defect of ours; the request id finds it in the log."""

    code = "InternalFailure"
    status = 500

    def __init__(self) -> None:
        super().__init__("The service met an unexpected condition. The request id is in its log.")
