"""The errors and streams of LM Studio's REST API v1: https://lmstudio.ai/docs/developer/rest/streaming-events."""

from typing import Any

from lms.errors import InvalidRequest, LmsError, PreviousResponseNotFound
from lms.server import errors
from lms.server.dialect import Dialect
from lms.server.sse import Framing

# Codes that LM Studio has as types.
_TYPES = {"model_not_found", "job_not_found", "mcp_connection_error"}
_INVALID_VALUE: tuple[type[LmsError], ...] = (InvalidRequest, PreviousResponseNotFound)


def error_body(error: LmsError) -> dict[str, Any]:
    """The envelope. `code` and `param` are there where they say more than the type does."""
    kind, code = _type(error), _code(error)
    optional = {"code": code if code != kind else None, "param": error.param}
    given = {name: value for name, value in optional.items() if value is not None}
    return {"error": {"type": kind, "message": str(error)} | given}


def error_chunk(error: LmsError) -> dict[str, Any]:
    """The same as an event of a stream."""
    return {"type": "error"} | error_body(error)


def _type(error: LmsError) -> str:
    if error.code in _TYPES:
        return error.code
    return "invalid_request" if errors.status(error) < 500 else "internal_error"


def _code(error: LmsError) -> str:
    return "invalid_value" if type(error) in _INVALID_VALUE and error.param else error.code


LMSTUDIO_V1 = Dialect(error_body, error_chunk, framing=Framing(named=True, end=b""))
