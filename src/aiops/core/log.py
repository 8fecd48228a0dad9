"""Structured logs on stderr: one JSON object a line, or coloured text for people; secrets never get out.

Redaction is by key and by shape: values under keys that name secrets, bearer headers, our own token format and URL
passwords are masked in everything that is logged, tracebacks included.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from aiops.core.tracing import current_trace_id

MASK: Final = "[redacted]"
_SECRET_KEY: Final = re.compile(
    r"token|password|passwd|secret|authorization|cookie|kubeconfig|api_?key|private_?key|credential",
    re.IGNORECASE,
)
_HARMLESS_KEYS: Final = frozenset({"token_id", "credential_version", "credential_id", "tokens_used"})
_SHAPES: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    (re.compile(r"\baiops_[A-Za-z0-9_-]{16,}"), MASK),
    (re.compile(r"\bsha256~[A-Za-z0-9_-]{20,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"), MASK),
    (re.compile(r"([a-z][a-z0-9+.-]*://[^/\s:@]*):[^/\s@]+@", re.IGNORECASE), rf"\1:{MASK}@"),
    (re.compile(r"([?&][a-z_]*(?:password|secret|token)=)[^&\s\"']+", re.IGNORECASE), rf"\1{MASK}"),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        MASK,
    ),
)


def redact_text(text: str) -> str:
    """The text with everything masked that looks like a secret."""
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, key: str = "") -> Any:
    """The value with secrets masked, whatever its depth."""
    if isinstance(value, Mapping):
        return {name: redact(item, str(name)) for name, item in value.items()}
    if value is not None and key not in _HARMLESS_KEYS and _SECRET_KEY.search(key):
        return MASK
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "replace"))
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, key) for item in value]
    return value


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: redact(value, name) for name, value in event.items()}


def _add_trace_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace_id = current_trace_id()
    if trace_id.strip("0"):
        event["trace_id"] = trace_id
    return event


def configure(*, level: str, fmt: str, role: str) -> None:
    """Set up logging for this process: structlog and the standard library end in the same place.

    `level` is a standard level name, `fmt` is `json` or `console`.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace_id,
    ]
    renderer: list[structlog.typing.Processor] = (
        [
            structlog.processors.format_exc_info,
            _redact_event,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
        if fmt == "console"
        else [structlog.processors.format_exc_info, _redact_event, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # One access line a request is ours; these speak of connections and only matter when they go wrong.
    for noisy in ("uvicorn.access", "uvicorn.error", "procrastinate", "alembic", "websockets"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(role=role)
