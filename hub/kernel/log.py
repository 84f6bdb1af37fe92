"""Structured logs: one JSON object a line on stderr, each with its request id."""

import logging
import sys

import structlog

from hub.kernel.ids import new_id

REQUEST_ID_LENGTH_MAX = 64


def configure(level: str) -> None:
    """Send every log line of this process, the libraries' too, to stderr as JSON."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    formatter = structlog.stdlib.ProcessorFormatter(render, foreign_pre_chain=shared)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def begin_request(wanted: str | None) -> str:
    """Start the log context of a request; return its id: the caller's or a new one."""
    request_id = wanted if wanted and _is_plain(wanted) else str(new_id())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def _is_plain(text: str) -> bool:
    return len(text) <= REQUEST_ID_LENGTH_MAX and text.isascii() and text.isprintable()
