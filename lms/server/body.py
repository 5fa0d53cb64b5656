"""Reading a request's body from a client that may be broken, slow or hostile. Knows bytes only, no JSON."""

from typing import Protocol

from lms.errors import InvalidRequest, PayloadTooLarge

# A conversation fills a context of a million tokens with 5 MB. The worst JSON of this size (nothing but empty lists) is
# decoded in half a second, during which nobody else is served.
LIMIT_BYTES = 16 * 1024 * 1024
_PIECE_BYTES = 64 * 1024


class Source(Protocol):
    """Where the bytes come from: `wsgi.input`, an empty answer being the end."""

    def read(self, size: int, /) -> bytes: ...


def read(source: Source, declared_bytes: int | None, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The whole body. Raises PayloadTooLarge over `limit_bytes`, InvalidRequest when it is empty, cut or malformed."""
    body = bytearray()
    while piece := _piece(source):
        body += piece
        if len(body) > limit_bytes:
            _discard(source, limit_bytes)
            raise PayloadTooLarge(f"The request body is larger than {limit_bytes} bytes.")
    if declared_bytes is not None and len(body) < declared_bytes:
        raise InvalidRequest(f"The request body ended after {len(body)} of {declared_bytes} bytes.")
    if not body:
        raise InvalidRequest("The request body is empty.", hint="Send a JSON object.")
    return bytes(body)


def _piece(source: Source) -> bytes:
    try:
        return source.read(_PIECE_BYTES)
    except Exception as error:
        # The HTTP parsers below raise what they like here (gunicorn's tree and plain OSErrors), and all of it means
        # the same: these bytes are not what the headers promised.
        raise InvalidRequest(f"The request body could not be read: {type(error).__name__}.") from error


def _discard(source: Source, limit_bytes: int) -> None:
    """Read on for a while, keeping nothing: a client that is still sending would not read the refusal otherwise."""
    discarded = 0
    while discarded < limit_bytes and (piece := _piece(source)):
        discarded += len(piece)
