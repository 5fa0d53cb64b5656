import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.text.search import Found, Needles, Search
from tests.text.cuts import made_of, pieces_of


def naive(needles: tuple[str, ...], text: str) -> Found:
    """The oracle: try every end of the text, and at each the needles from the longest on."""
    for end in range(len(text) + 1):
        for needle in sorted(filter(None, needles), key=len, reverse=True):
            if text[:end].endswith(needle):
                return Found(text[: end - len(needle)], needle, text[end:])
    return Found(text)


def searched(needles: tuple[str, ...], pieces: list[str]) -> Found:
    search, passed = Search(Needles(needles)), ""
    for number, piece in enumerate(pieces):
        found = search.feed(piece)
        passed += found.passed
        if found.match is not None:
            return Found(passed, found.match, found.rest + "".join(pieces[number + 1 :]))
    return Found(passed + search.flush())


@pytest.mark.parametrize(
    ("needles", "text", "expected"),
    [
        (("cd",), "abcde", Found("ab", "cd", "e")),
        (("x", "b"), "abx", Found("a", "b", "x")),
        (("abcd", "bc"), "abcd", Found("a", "bc", "d")),
        (("bc", "abc"), "abc", Found("", "abc", "")),
        (("aab",), "aaab", Found("a", "aab", "")),
        (("abab", "ba!"), "aba!", Found("a", "ba!", "")),
        (("",), "abc", Found("abc")),
        ((), "abc", Found("abc")),
    ],
)
def test_the_match_that_is_complete_first_counts_then_the_longest(
    needles: tuple[str, ...], text: str, expected: Found
) -> None:
    assert naive(needles, text) == expected
    assert searched(needles, [text]) == expected
    assert searched(needles, list(text)) == expected


few_letters = st.text("ab", max_size=5)


@given(st.lists(few_letters, max_size=4).map(tuple), pieces_of(st.text("abc", max_size=30)))
def test_it_finds_what_the_naive_search_finds_however_the_text_is_cut(
    needles: tuple[str, ...], pieces: list[str]
) -> None:
    assert searched(needles, pieces) == naive(needles, "".join(pieces))


@given(pieces_of(made_of("<think>", "<tool_call>")))
def test_no_more_is_held_back_than_may_begin_a_match(pieces: list[str]) -> None:
    needles, text, passed = ("<think>", "<tool_call>"), "", ""
    search = Search(Needles(needles))
    for piece in pieces:
        found = search.feed(piece)
        text, passed = text + piece, passed + found.passed
        if found.match is not None:
            return
        held = text[len(passed) :]
        assert held == max((s for n in needles for s in (n[:i] for i in range(len(n))) if text.endswith(s)), key=len)


def test_the_cost_does_not_grow_with_the_length_of_a_needle_nearly_found() -> None:
    def seconds(needle: str) -> float:
        search, start = Search(Needles([needle])), time.perf_counter()
        for _ in range(20_000):
            search.feed("a")
        return time.perf_counter() - start

    def best(needle: str) -> float:
        return min(seconds(needle) for _ in range(3))

    assert best("a" * 2000 + "b") < 20 * best("a" * 2 + "b")
