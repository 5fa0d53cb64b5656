"""Server-sent events as the OpenAI family writes them: `data:` lines with JSON, and `[DONE]` at the end. Pure."""

import secrets
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import msgspec

# Raw: one that is encoded already.
Chunk = dict[str, Any] | msgspec.Raw

# A comment: it tells both sides within a second that the other one is still there. Clients skip it.
HEARTBEAT = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"

_encode = msgspec.json.Encoder().encode


class Template:
    """Chunks that differ in one text only, of which just that text is encoded each time.

    A stream is made of hardly anything else, and encoding a whole chunk costs four times as much.
    """

    def __init__(self, chunk: Callable[[str], dict[str, Any]]) -> None:
        place = secrets.token_hex(16)  # nobody can have put it into an id or a model's name
        self._before, self._after = _encode(chunk(place)).split(_encode(place))

    def filled(self, text: str) -> msgspec.Raw:
        """The chunk with that text."""
        return msgspec.Raw(self._before + _encode(text) + self._after)


def frame(chunk: Chunk) -> bytes:
    """One event."""
    return b"data: " + _encode(chunk) + b"\n\n"


def begun(batches: Iterator[tuple[Chunk, ...]]) -> Iterator[tuple[Chunk, ...]]:
    """The same batches, the first of them fetched now: what fails before it can still become an HTTP status."""
    return chain([next(batches, ())], batches)


def frames(
    batches: Iterator[tuple[Chunk, ...]], on_failure: Callable[[BaseException], Chunk | None]
) -> Iterator[bytes]:
    """The bytes of a whole stream, one piece a batch: an empty batch is a heartbeat.

    A failure on the way is told in the stream, as `on_failure` puts it (None: nobody is left to tell), and ends it.
    Closing the generator early is such a failure, a GeneratorExit: the server could not send on.
    """
    try:
        for batch in batches:
            yield b"".join(map(frame, batch)) or HEARTBEAT
        yield DONE
    except GeneratorExit as closed:
        on_failure(closed)
        raise
    except Exception as error:
        told = on_failure(error)
        if told is not None:
            yield frame(told)
