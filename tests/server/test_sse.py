"""The bytes of an event stream."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.server import sse


def failing() -> Iterator[tuple[sse.Chunk, ...]]:
    yield ({"a": 1},)
    raise ValueError("half-way")


def test_a_batch_is_one_piece_and_the_end_is_marked() -> None:
    batches = iter([({"a": 1}, {"b": 2}), ({"c": 3},)])
    assert list(sse.frames(batches, lambda error: None)) == [
        b'data: {"a":1}\n\ndata: {"b":2}\n\n',
        b'data: {"c":3}\n\n',
        b"data: [DONE]\n\n",
    ]


def test_an_empty_batch_is_a_comment() -> None:
    assert next(sse.frames(iter([()]), lambda error: None)).startswith(b":")


def test_a_named_event_goes_by_the_type_of_its_json() -> None:
    framing = sse.Framing(named=True, end=b"")
    chunk = {"type": "text", "text": "a"}
    told = b'event: text\ndata: {"type":"text","text":"a"}\n\n'
    template = sse.Template(lambda text: {"type": "text", "text": text})
    assert list(sse.frames(iter([(chunk, template.filled("a"))]), lambda error: None, framing)) == [told + told]


def test_a_dialect_has_its_own_heartbeat_and_names_its_failures() -> None:
    framing = sse.Framing(named=True, heartbeat=b"event: ping\n\n", end=b"")
    assert list(sse.frames(iter([()]), lambda error: None, framing)) == [b"event: ping\n\n"]
    assert list(sse.frames(failing(), lambda error: {"type": "error"}, framing))[1].startswith(b"event: error\n")


def test_a_failure_is_told_and_ends_the_stream() -> None:
    pieces = list(sse.frames(failing(), lambda error: {"error": {"message": str(error)}}))
    assert pieces[1:] == [b'data: {"error":{"message":"half-way"}}\n\n']


def test_in_some_dialects_the_end_is_marked_then_as_well() -> None:
    framing = sse.Framing(end_after_failure=True)
    assert list(sse.frames(failing(), lambda error: {"error": {}}, framing))[1:] == [
        b'data: {"error":{}}\n\ndata: [DONE]\n\n'
    ]


def test_a_failure_that_nobody_hears_is_not_told() -> None:
    assert len(list(sse.frames(failing(), lambda error: None))) == 1


def test_text_cannot_break_out_of_its_line() -> None:
    assert sse.frame({"text": "a\n\ndata: [DONE]\r\n"}).count(b"\n") == 2


def test_the_first_batch_is_fetched_at_once() -> None:
    batches = iter([({"a": 1},), ({"b": 2},)])
    begun = sse.begun(batches)
    assert next(batches) == ({"b": 2},)
    assert next(begun) == ({"a": 1},)


def test_a_failure_before_the_first_batch_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        sse.begun(({"a": 1 // zero},) for zero in [0])


@given(st.text(), st.text())
def test_a_filled_template_is_the_chunk_with_that_text(text: str, model: str) -> None:
    def chunk(text: str) -> dict[str, Any]:
        return {"model": model, "choices": [{"delta": {"content": text}, "finish_reason": None}]}

    assert sse.frame(sse.Template(chunk).filled(text)) == sse.frame(chunk(text))
