"""How responses say what went wrong, and frame their streams: named events, and `[DONE]` at the end, whatever that is
(https://www.openresponses.org/specification).
"""

from typing import Any

from lms.errors import LmsError
from lms.server import errors
from lms.server.dialect import Dialect
from lms.server.sse import Framing


def error_chunk(error: LmsError) -> dict[str, Any]:
    """The event of a stream that fails before its response has begun.

    `error` repeats the fields, because that is what makes OpenAI's SDK raise it.
    """
    body = errors.openai_body(error)
    told = {name: body["error"][name] for name in ("code", "message", "param")}
    return {"type": "error", "sequence_number": 0} | told | body


RESPONSES = Dialect(errors.openai_body, error_chunk, framing=Framing(named=True, end_after_failure=True))
