"""Anthropic's errors and streams: https://docs.anthropic.com/en/api/errors, …/en/docs/build-with-claude/streaming."""

from typing import Any

from lms.errors import LmsError, PromptTooLong
from lms.server import errors
from lms.server.dialect import Dialect
from lms.server.sse import Framing

# Anthropic's status for what may be gone in a while.
OVERLOADED = 529

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    OVERLOADED: "overloaded_error",
}


def status(error: LmsError) -> int:
    """The HTTP status of `error`."""
    ours = errors.status(error)
    return OVERLOADED if ours == 503 else ours


def error_body(error: LmsError) -> dict[str, Any]:
    """The envelope, which has no place for the name of a field: the message says it."""
    kind = _TYPES.get(status(error), "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": _message(error)}}


def _message(error: LmsError) -> str:
    """Agents make a conversation shorter when they read Anthropic's own words for one that is too long:
    https://platform.claude.com/docs/en/build-with-claude/context-windows
    """
    if isinstance(error, PromptTooLong):
        return f"prompt is too long: {error}"
    return f"{error.param}: {error}" if error.param and error.param not in str(error) else str(error)


ANTHROPIC = Dialect(
    error_body,
    status=status,
    framing=Framing(named=True, heartbeat=b'event: ping\ndata: {"type":"ping"}\n\n', end=b""),
    id_header="Request-Id",
)
