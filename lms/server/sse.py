"""Server-sent events as the OpenAI family writes them: `data:` lines with JSON, and `[DONE]` at the end. Pure."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import msgspec

Chunk = dict[str, Any]

# A comment: it tells both sides within a second that the other one is still there. Clients skip it.
HEARTBEAT = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


def frame(chunk: Chunk) -> bytes:
    """One event."""
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


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
