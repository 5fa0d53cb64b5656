"""Server-sent events: `data:` lines with JSON, in the framing of a dialect. Pure.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


# A chunk that is JSON already, and its field `type`, empty where it has none. (A class of its own would cost 0.3 µs.)
Encoded = tuple[bytes, str]
Chunk = dict[str, Any] | Encoded


@dataclass(frozen=True)
class Framing:
    """What a dialect's streams look like, apart from their JSON. The default is that of the OpenAI family.

    named: each event goes by the `type` of its JSON, which an `event:` line repeats
    heartbeat: tells both sides within a second that the other one is still there, and means nothing else
    end: what follows the last event
    end_after_failure: it follows a failure, too
    """

    named: bool = False
    heartbeat: bytes = b": keep-alive\n\n"  # a comment
    end: bytes = b"data: [DONE]\n\n"
    end_after_failure: bool = False


UNNAMED = Framing()


class Template:
    """Chunks that differ in one text only, of which just that text is encoded each time.

    A stream is made of hardly anything else, and encoding a whole chunk costs four times as much.
    """

    def __init__(self, chunk: Callable[[str], dict[str, Any]]) -> None:
        place = secrets.token_hex(16)  # nobody can have put it into an id or a model's name
        fields = chunk(place)
        self._type = fields.get("type", "")
        self._before, self._after = _encode(fields).split(_encode(place))

    def filled(self, text: str) -> Encoded:
        """The chunk with that text."""
        return self._before + _encode(text) + self._after, self._type


def frame(chunk: Chunk, named: bool = False) -> bytes:
    """One event, under the name of its `type` if `named`."""
    json, kind = chunk if isinstance(chunk, tuple) else (_encode(chunk), chunk.get("type", ""))
    line = b"data: " + json + b"\n\n"
    return b"event: " + kind.encode() + b"\n" + line if named else line


def begun(batches: Iterator[tuple[Chunk, ...]]) -> Iterator[tuple[Chunk, ...]]:
    """The same batches, the first of them fetched now: what fails before it can still become an HTTP status."""
    return chain([next(batches, ())], batches)


def frames(
    batches: Iterator[tuple[Chunk, ...]],
    on_failure: Callable[[BaseException], Chunk | None],
    framing: Framing = UNNAMED,
) -> Iterator[bytes]:
    """The bytes of a whole stream, one piece a batch: an empty batch is a heartbeat.

    A failure on the way is told in the stream, as `on_failure` puts it (None: nobody is left to tell), and ends it.
    Closing the generator early is such a failure, a GeneratorExit: the server could not send on.
    """
    try:
        for batch in batches:
            yield b"".join(frame(chunk, framing.named) for chunk in batch) or framing.heartbeat
        if framing.end:
            yield framing.end
    except GeneratorExit as closed:
        on_failure(closed)
        raise
    except Exception as error:
        told = on_failure(error)
        if told is not None:
            yield frame(told, framing.named) + (framing.end if framing.end_after_failure else b"")
