"""Frames between our own processes: a 4-byte big-endian length, then that many bytes of MessagePack.

One frame holds one value of a tagged union that the module owning the conversation declares (`engine/protocol.py`).
The limit guards against a peer that is not ours; it is far above any real request.
"""

import struct
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

FRAME_LIMIT_BYTES = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()


class BrokenFrame(Exception):
    """The bytes are no frame of ours: too long, or not of the expected type."""


def pack(message: Any) -> bytes:
    """One frame holding `message`."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker(Generic[T]):
    """Collects bytes as they arrive and yields whole messages. Pure: it owns no file and never blocks."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._buffer = bytearray()

    def feed(self, received: bytes) -> Iterator[T]:
        """Every message that `received` completes. Raises BrokenFrame on bytes that are not ours."""
        if not self._buffer and len(received) == _frame_end(received):
            yield self._decode(received[_LENGTH.size :])  # whole and alone, as a token's frame nearly always is
            return
        self._buffer += received
        while len(self._buffer) >= (end := _frame_end(self._buffer)):
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield self._decode(body)

    def _decode(self, body: bytes) -> T:
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BrokenFrame(str(error)) from error


def _frame_end(content: bytes | bytearray) -> int:
    """Where the first frame of `content` ends, or how much is needed to say that. Raises BrokenFrame if too long."""
    if len(content) < _LENGTH.size:
        return _LENGTH.size
    (size,) = _LENGTH.unpack_from(content)
    if size > FRAME_LIMIT_BYTES:
        raise BrokenFrame(f"a frame of {size} bytes is over the limit of {FRAME_LIMIT_BYTES}")
    return _LENGTH.size + int(size)
