"""How likely tokens are, beside a softmax written out; and which piece of a text gets which tokens."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.engine.logprobs import LEAST_LOGPROB, Margin, likelihood
from lms.generation.events import Event, ReasoningDelta, TextDelta, TokenLogprob, ToolArgumentsDelta
from lms.text.reasoning import THINK
from lms.text.splitter import Splitter
from lms.text.stops import StopStrings
from lms.text.utf8 import TextAssembler

TEXT = "<think>Hm, naïve 🙂?</think>\n\nThe café 🙂 is <open> all day. STOP and more"
CONTENT = "The café 🙂 is <open> all day. "


def logits(size: int = 1000) -> np.ndarray:
    return 3 * np.random.default_rng(1).standard_normal(size).astype(np.float32)


def naive(row: np.ndarray, token: int) -> float:
    return math.log(math.exp(row[token]) / sum(math.exp(value) for value in row))


def test_it_is_the_logarithm_of_softmax() -> None:
    row = logits()
    assert [likelihood(row, token, 0).logprob for token in (0, 7, 999)] == pytest.approx(
        [naive(row, token) for token in (0, 7, 999)], abs=1e-4
    )


def test_all_alternatives_together_are_certain() -> None:
    row = logits()
    top = likelihood(row, 0, len(row)).top
    assert sum(math.exp(logprob) for _, logprob in top) == pytest.approx(1, abs=1e-5)


def test_the_likeliest_come_first_and_no_more_than_asked() -> None:
    row = logits()
    assert [token for token, _ in likelihood(row, 0, 5).top] == np.argsort(-row)[:5].tolist()
    assert likelihood(row, 0, 0).top == ()


def test_of_equally_likely_ones_the_smaller_id_comes_first() -> None:
    row = np.zeros(10, np.float32)
    assert [token for token, _ in likelihood(row, 0, 10).top] == list(range(10))


def test_what_is_impossible_is_a_number_that_json_has() -> None:
    row = np.array([0, -np.inf], np.float32)
    assert likelihood(row, 1, 2).logprob == LEAST_LOGPROB


def written(pieces: list[bytes]) -> list[Event]:
    """The events of a text in these tokens, each of which has its number for a logarithm."""
    margin, characters = Margin(), TextAssembler()
    stops, splitter = StopStrings(("STOP",)), Splitter(THINK, None, iter(()))
    events: list[Event] = []
    for number, piece in enumerate(pieces):
        margin.note(TokenLogprob(piece, number))
        events += margin.moved(splitter.feed(stops.feed(characters.feed(piece))))
        if stops.hit:
            break
    return events + margin.moved(splitter.flush())


@st.composite
def cut(draw: st.DrawFn) -> list[bytes]:
    whole = TEXT.encode()
    places = sorted(draw(st.sets(st.integers(1, len(whole) - 1))))
    return [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]


@given(cut())
def test_however_a_text_is_cut_into_tokens_its_content_has_those_that_it_is_made_of(pieces: list[bytes]) -> None:
    events = written(pieces)
    told = [token for event in events if isinstance(event, TextDelta) for token in event.logprobs]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == CONTENT
    thought, first, last = (TEXT.encode().index(mark) for mark in (b"</think>", b"The", b"STOP"))
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    places = zip([0, *ends], ends, strict=False)
    # A token goes with the piece that it begins in, be that reasoning or content; from a marker with what follows.
    wanted = [number for number, (start, end) in enumerate(places) if start >= thought and end > first and start < last]
    assert [token.logprob for token in told] == wanted


def test_half_a_character_waits_for_its_other_half() -> None:
    (delta,) = [event for event in written(["é".encode()[:1], "é".encode()[1:]]) if isinstance(event, TextDelta)]
    assert (delta.text, len(delta.logprobs)) == ("é", 2)


def test_tokens_of_reasoning_and_of_calls_are_not_those_of_the_text() -> None:
    margin = Margin()
    for piece in (b"so ", b"call(", b"done"):
        margin.note(TokenLogprob(piece, 0.0))
    events = margin.moved([ReasoningDelta("so "), ToolArgumentsDelta(0, "{}")])
    assert events == [ReasoningDelta("so "), ToolArgumentsDelta(0, "{}")]
    margin.note(TokenLogprob(b"x", -1.0))
    assert margin.moved([TextDelta("x")]) == [TextDelta("x", (TokenLogprob(b"x", -1.0),))]
