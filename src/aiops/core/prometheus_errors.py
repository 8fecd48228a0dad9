"""Errors in the shape and with the statuses of Prometheus' HTTP API, for clients that speak nothing else.

Grafana, promtool and the client libraries show `error` and act on `errorType`; our own envelope would reach people as
an unreadable status. It decides nothing: which error it is was decided where it was raised.

Protocol: Prometheus HTTP API, "Format overview".
"""

from typing import Final

from msgspec import Struct

from aiops.core import errors
from aiops.core.errors import AiopsError

BAD_DATA: Final = "bad_data"
EXECUTION: Final = "execution"

# The first class that fits. Prometheus has no words for who may ask; these two show themselves well.
_SHAPES: Final[tuple[tuple[type[AiopsError], int, str], ...]] = (
    (errors.QueryNotFederable, 422, EXECUTION),
    (errors.LimitExceeded, 422, EXECUTION),
    (errors.InvalidRequest, 400, BAD_DATA),
    (errors.AuthRequired, 401, "unauthorized"),
    (errors.PermissionDenied, 403, "forbidden"),
    (errors.NotFound, 404, "not_found"),
    (errors.MethodNotAllowed, 405, BAD_DATA),
    (errors.PayloadTooLarge, 413, BAD_DATA),
    (errors.UnsupportedMediaType, 415, BAD_DATA),
    (errors.QueryTimeout, 503, "timeout"),
    (errors.ServiceUnavailable, 503, "unavailable"),
    (errors.UpstreamError, 503, "unavailable"),
)
# What a member called the error, where that is known.
_TOLD: Final = {BAD_DATA: (400, BAD_DATA), EXECUTION: (422, EXECUTION), "422": (422, EXECUTION)}
_QUERY_ERRORS: Final = (errors.InvalidPromql, errors.LimitExceeded)


class PrometheusError(Struct, frozen=True):
    """The body of an error answer."""

    status: str
    errorType: str  # noqa: N815 - Prometheus' spelling
    error: str


def prometheus_shape(error: AiopsError) -> tuple[int, PrometheusError]:
    """Status and body of the error."""
    told = str(error.details.get("error_type")) if isinstance(error, _QUERY_ERRORS) else ""
    status, kind = _TOLD.get(told) or next(
        ((status, kind) for cls, status, kind in _SHAPES if isinstance(error, cls)), (500, "internal")
    )
    return status, PrometheusError("error", kind, error.message)
