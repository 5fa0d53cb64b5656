"""What sets the replies of one family of endpoints apart from another's, whatever they answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lms.errors import LmsError
from lms.server import errors
from lms.server.sse import UNNAMED, Chunk, Framing

ErrorBody = Callable[[LmsError], dict[str, Any]]


@dataclass(frozen=True)
class Dialect:
    """How a family says what went wrong, and how it frames event streams.

    error_body: an error as the body of a reply
    error_chunk: an error as the last event of a stream; None: it is as in the body of a reply
    status: the HTTP status of an error
    id_header: where its clients look for the id of a request; `X-Request-Id` has it in any case
    """

    error_body: ErrorBody
    error_chunk: ErrorBody | None = None
    status: Callable[[LmsError], int] = errors.status
    framing: Framing = UNNAMED
    id_header: str = "X-Request-Id"

    def told_in_stream(self, error: LmsError) -> Chunk:
        return (self.error_chunk or self.error_body)(error)


OPENAI = Dialect(errors.openai_body)
