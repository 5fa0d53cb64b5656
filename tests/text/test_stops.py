import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.text.stops import StopStrings
from tests.text.cuts import made_of, pieces_of


def naive(stops: tuple[str, ...], text: str) -> tuple[str, str | None]:
    """The oracle: write character by character, and look after each whether the text ends with a stop string."""
    for end in range(len(text) + 1):
        ending = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if ending:
            hit = max(ending, key=len)
            return text[: end - len(hit)], hit
    return text, None


def stopped(stops: tuple[str, ...], pieces: list[str]) -> tuple[str, str | None]:
    watch = StopStrings(stops)
    shown = "".join(map(watch.feed, pieces)) + watch.flush()
    return shown, watch.hit


def test_a_stop_string_across_tokens_ends_the_answer_and_is_not_shown() -> None:
    assert stopped(("\nUser:",), ["Hi", "!\n", "Us", "er", ": more"]) == ("Hi!", "\nUser:")


def test_the_beginning_of_a_stop_string_is_held_back_and_let_go_when_it_is_none() -> None:
    watch = StopStrings(("END",))
    assert [watch.feed(piece) for piece in ("E", "N", "C", "EN")] == ["", "", "ENC", ""]
    assert watch.flush() == "EN"
    assert watch.hit is None


def test_nothing_comes_after_a_hit() -> None:
    watch = StopStrings(("b",))
    assert [watch.feed("ab"), watch.feed("c"), watch.flush()] == ["a", "", ""]


@pytest.mark.parametrize("stops", [(), ("",)])
def test_without_stop_strings_the_text_passes_at_once(stops: tuple[str, ...]) -> None:
    assert StopStrings(stops).feed("abc") == "abc"


@given(st.lists(st.text("ab\n", max_size=5), max_size=4).map(tuple), pieces_of(st.text("ab\nc", max_size=30)))
def test_it_stops_where_the_naive_watch_stops_however_the_text_is_cut(
    stops: tuple[str, ...], pieces: list[str]
) -> None:
    assert stopped(stops, pieces) == naive(stops, "".join(pieces))


@given(pieces_of(made_of("</s>", "STOP", "OPT")))
def test_no_stop_string_is_ever_shown(pieces: list[str]) -> None:
    shown, _ = stopped(("</s>", "STOP", "OPT"), pieces)
    assert not any(stop in shown for stop in ("</s>", "STOP", "OPT"))
