import struct
from contextlib import suppress
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms import wire
from lms.wire import BrokenFrame, Unpacker, pack


class Word(msgspec.Struct, frozen=True, tag="word"):
    text: str


class Number(msgspec.Struct, frozen=True, tag="number"):
    value: int


Message = Word | Number

messages = st.lists(st.builds(Word, st.text()) | st.builds(Number, st.integers(-(2**63), 2**63 - 1)), max_size=8)


def unpacked(*pieces: bytes, kind: Any = Message) -> list[Any]:
    unpacker: Unpacker[Any] = Unpacker(kind)
    return [message for piece in pieces for message in unpacker.feed(piece)]


def test_a_frame_is_its_length_and_then_messagepack() -> None:
    frame = pack(Number(7))
    assert struct.unpack(">I", frame[:4]) == (len(frame) - 4,)
    assert msgspec.msgpack.decode(frame[4:]) == {"type": "number", "value": 7}


@given(messages, st.lists(st.integers(0, 400), max_size=12))
def test_the_same_messages_arrive_however_the_bytes_are_cut(sent: list[Message], cuts: list[int]) -> None:
    stream = b"".join(map(pack, sent))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert unpacked(*(stream[start:end] for start, end in pairwise(edges))) == sent


@given(messages)
def test_the_same_messages_arrive_byte_by_byte(sent: list[Message]) -> None:
    assert unpacked(*(bytes([byte]) for byte in b"".join(map(pack, sent)))) == sent


def test_half_a_frame_is_no_message_yet() -> None:
    assert unpacked(pack(Word("hello"))[:-1]) == []


def test_a_frame_over_the_limit_is_refused_before_its_bytes_are_there() -> None:
    with pytest.raises(BrokenFrame, match="over the limit"):
        unpacked(struct.pack(">I", wire.FRAME_LIMIT_BYTES + 1))


def test_the_messages_before_a_broken_frame_still_arrive() -> None:
    unpacker: Unpacker[Message] = Unpacker(Message)
    stream = unpacker.feed(pack(Number(1)) + pack({"type": "unknown"}) + pack(Number(2)))
    assert next(stream) == Number(1)
    with pytest.raises(BrokenFrame):
        next(stream)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xc1", b"\x92\x01", pack({"type": "word"})[4:], pack({"type": "word", "text": 3})[4:], b"\xa1\xff"],
)
def test_bytes_that_are_no_message_of_ours_are_a_broken_frame(body: bytes) -> None:
    with pytest.raises(BrokenFrame):
        unpacked(struct.pack(">I", len(body)) + body)


def test_a_value_nested_without_end_is_a_broken_frame() -> None:
    body = b"\x91" * 100_000 + b"\x01"
    with pytest.raises(BrokenFrame):
        unpacked(struct.pack(">I", len(body)) + body, kind=Any)


@given(st.binary(max_size=64))
def test_garbage_raises_nothing_but_broken_frame(garbage: bytes) -> None:
    with suppress(BrokenFrame):
        unpacked(struct.pack(">I", len(garbage)) + garbage, garbage)
