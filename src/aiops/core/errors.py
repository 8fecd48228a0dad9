"""The one error tree.

AiopsError
├── InvalidRequest            400  INVALID_REQUEST: what the caller sent cannot be understood
│   ├── InvalidClusterName    400  INVALID_CLUSTER_NAME
│   ├── CredentialsInvalid    400  CREDENTIALS_INVALID
│   └── InvalidPromql         400  INVALID_PROMQL: the member's own text
├── AuthRequired              401  AUTH_REQUIRED: nobody is signed in
│   ├── AuthFailed            401  AUTH_FAILED: the token or password is wrong
│   └── AuthExpired           401  AUTH_EXPIRED
├── PermissionDenied          403  PERMISSION_DENIED
├── NotFound                  404  NOT_FOUND: also what lies outside the caller's scope
│   ├── ClusterNotFound       404  CLUSTER_NOT_FOUND
│   ├── CredentialsNotFound   404  CREDENTIALS_NOT_FOUND
│   └── AlertNotFound         404  ALERT_NOT_FOUND
├── MethodNotAllowed          405  METHOD_NOT_ALLOWED
├── Conflict                  409  CONFLICT
│   └── ClusterAlreadyExists  409  CLUSTER_ALREADY_EXISTS
├── PreconditionFailed        412  PRECONDITION_FAILED: somebody else changed the resource
├── PayloadTooLarge           413  PAYLOAD_TOO_LARGE
├── UnsupportedMediaType      415  UNSUPPORTED_MEDIA_TYPE
├── QueryNotFederable         422  QUERY_NOT_FEDERABLE: names the node and a rewrite
├── LimitExceeded             422  LIMIT_EXCEEDED
├── InternalError             500  INTERNAL_ERROR
├── UpstreamError             502  UPSTREAM_ERROR: a cluster or another role answered wrongly
├── ServiceUnavailable        503  SERVICE_UNAVAILABLE: a store or another role is away
│   └── ClusterUnreachable    503  CLUSTER_UNREACHABLE
└── QueryTimeout              504  QUERY_TIMEOUT

Codes and statuses are those of the public contract. Only `core.web` turns an error into HTTP, and only
`core.peer` turns an answer of another role back into the same class. A message says what was wrong, with what,
and what to do; it never carries a secret.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar


class AiopsError(Exception):
    """An error that a caller may see: `code` and `status` are contract, `message` is for people."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = dict(details or {})


class InvalidRequest(AiopsError):
    """What the caller sent cannot be understood."""

    code = "INVALID_REQUEST"
    status = 400


class InvalidClusterName(InvalidRequest):
    """A cluster name that DNS labels would not take."""

    code = "INVALID_CLUSTER_NAME"


class CredentialsInvalid(InvalidRequest):
    """A kubeconfig or token that cannot be used."""

    code = "CREDENTIALS_INVALID"


class InvalidPromql(InvalidRequest):
    """A query that a member refused to parse or to run; the message is the member's."""

    code = "INVALID_PROMQL"


class AuthRequired(AiopsError):
    """Nobody is signed in."""

    code = "AUTH_REQUIRED"
    status = 401


class AuthFailed(AuthRequired):
    """The token is unknown, revoked or malformed."""

    code = "AUTH_FAILED"


class AuthExpired(AuthRequired):
    """The token or session was good and is no longer."""

    code = "AUTH_EXPIRED"


class PermissionDenied(AiopsError):
    """The caller is known and may not do this."""

    code = "PERMISSION_DENIED"
    status = 403


class NotFound(AiopsError):
    """No such thing, or none that the caller may see."""

    code = "NOT_FOUND"
    status = 404


class ClusterNotFound(NotFound):
    """No such cluster, or none that the caller may see."""

    code = "CLUSTER_NOT_FOUND"


class CredentialsNotFound(NotFound):
    """The cluster has no stored credentials."""

    code = "CREDENTIALS_NOT_FOUND"


class AlertNotFound(NotFound):
    """No such alert, or none that the caller may see."""

    code = "ALERT_NOT_FOUND"


class MethodNotAllowed(AiopsError):
    """The path exists, the method does not."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class Conflict(AiopsError):
    """The request contradicts what is stored."""

    code = "CONFLICT"
    status = 409


class ClusterAlreadyExists(Conflict):
    """A cluster of this name is registered."""

    code = "CLUSTER_ALREADY_EXISTS"


class PreconditionFailed(AiopsError):
    """`If-Match` names a version that is no longer the current one."""

    code = "PRECONDITION_FAILED"
    status = 412


class PayloadTooLarge(AiopsError):
    """The body is over the limit."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class UnsupportedMediaType(AiopsError):
    """The body is not of a type that this path reads."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class QueryNotFederable(AiopsError):
    """The query has no exact answer over independent members."""

    code = "QUERY_NOT_FEDERABLE"
    status = 422


class LimitExceeded(AiopsError):
    """The answer or the work would be over a configured limit."""

    code = "LIMIT_EXCEEDED"
    status = 422


class InternalError(AiopsError):
    """A fault of ours; the log has it under the trace id."""


class UpstreamError(AiopsError):
    """A cluster or another role answered, but not as it should."""

    code = "UPSTREAM_ERROR"
    status = 502


class ServiceUnavailable(AiopsError):
    """A store or another role is away; trying again later may work."""

    code = "SERVICE_UNAVAILABLE"
    status = 503


class ClusterUnreachable(ServiceUnavailable):
    """The one cluster that was asked, or every one of them, could not be reached."""

    code = "CLUSTER_UNREACHABLE"


class QueryTimeout(AiopsError):
    """The deadline passed before enough had answered."""

    code = "QUERY_TIMEOUT"
    status = 504


def tree(root: type[AiopsError] = AiopsError) -> Iterator[type[AiopsError]]:
    """Every class of the tree, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def from_code(code: str, message: str, details: Mapping[str, Any] | None = None) -> AiopsError:
    """Rebuild the error that another process sent; an unknown code becomes UPSTREAM_ERROR."""
    for cls in tree():
        if cls.code == code and cls is not AiopsError:
            return cls(message, details=details)
    return UpstreamError(message, details={**(details or {}), "code": code})
