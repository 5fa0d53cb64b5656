"""What is guessed, how far a guess is trusted, and which guesses a pass verifies."""

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.engine.pass_cost import ASSUMED_DRAFT_COST
from lms.engine.speculation import (
    IN_LOOKUP,
    IN_MODEL,
    LEAST_TRUST,
    MOST_COMPARED,
    MOST_PLACES,
    NGRAM,
    NgramLookup,
    Offer,
    Trust,
    allot,
)


def naive_guess(tokens: list[int], most: int) -> tuple[int, ...]:
    """What followed where the latest tokens were seen before, at the place that agrees for longest, then is latest."""
    ends = [end for end in range(NGRAM, len(tokens)) if tokens[end - NGRAM : end] == tokens[-NGRAM:]][-MOST_PLACES:]
    compared = range(MOST_COMPARED + 1)
    agreed = {end: max(n for n in compared if n <= end and tokens[end - n : end] == tokens[len(tokens) - n :])
              for end in ends}  # fmt: skip
    best = max(ends, key=lambda end: (agreed[end], end), default=None)
    return () if best is None else tuple(tokens[best : best + most])


@given(st.lists(st.integers(0, 2), max_size=40), st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5)))
def test_a_guess_is_what_followed_where_most_was_the_same(prompt: list[int], steps: list[list[int]]) -> None:
    tokens = list(prompt)
    lookup = NgramLookup(tokens)
    assert lookup.guess(8) == naive_guess(tokens, 8)
    for step in steps:
        tokens += step
        assert lookup.guess(8) == naive_guess(tokens, 8)


def test_trust_grows_with_right_guesses_and_falls_with_wrong_ones() -> None:
    trust = Trust()
    at_first = trust.probability
    trust.observe(4, 4)
    assert trust.probability > at_first
    for _ in range(50):
        trust.observe(1, 0)
    assert trust.probability == LEAST_TRUST


def test_guesses_that_are_always_wrong_are_tried_less_and_less_often() -> None:
    trust, tried = Trust(), 0
    for _ in range(1000):
        drafts = not trust.pause_tokens
        tried += drafts
        trust.observe(1 if drafts else 0, 0)
    assert tried <= 1000 / IN_LOOKUP.longest_pause + 6


def test_a_right_guess_ends_the_long_pauses() -> None:
    trust = Trust()
    for _ in range(10):
        trust.observe(1, 0)
    trust.pause_tokens = 0
    trust.observe(2, 1)
    trust.observe(1, 0)
    assert trust.pause_tokens < IN_LOOKUP.longest_pause


def test_trust_that_recovers_is_tried_again() -> None:
    trust = Trust(IN_MODEL)
    for _ in range(20):
        trust.observe(1, 0)
    assert trust.probability == LEAST_TRUST
    for _ in range(500):
        trust.observe(0, 0)
    assert trust.probability == pytest.approx(IN_MODEL.initial, abs=0.01)


def test_a_long_pause_is_inherited_and_comes_to_an_end() -> None:
    trust = Trust(IN_MODEL)
    for _ in range(10):
        trust.observe(1, 0)
    pauses = []
    while trust.heir().pause_tokens:
        trust = trust.heir()
        pauses.append(trust.pause_tokens)
    assert pauses == sorted(pauses, reverse=True)
    assert IN_MODEL.longest_pause / 2 < pauses[0] <= IN_MODEL.longest_pause


def test_a_bad_end_of_a_good_record_is_not_inherited() -> None:
    trust = Trust(IN_MODEL)
    trust.observe(16, 16)
    for _ in range(10):
        trust.observe(1, 0)
    assert trust.heir().pause_tokens == 0


def test_what_was_right_is_tried_at_once_by_the_heir() -> None:
    trust = Trust(IN_MODEL)
    trust.observe(4, 4)
    assert (trust.heir().pause_tokens, trust.heir().probability) == (0, trust.probability)


def evenly(each: float) -> Callable[[int], float]:
    """Every drafted token adds the same to a pass."""
    return lambda drafted: 1 + each * drafted


def yield_of(offers: list[Offer], lengths: list[int], running: int, cost: Callable[[int], float]) -> float:
    """Tokens for the time of one plain pass."""
    drafted = list(zip(offers, lengths, strict=True))
    tokens = running + sum(offer.probability**n for offer, most in drafted for n in range(1, most + 1))
    return tokens / (cost(sum(lengths)) + sum(offer.guess * length for offer, length in drafted))


def best_yield(offers: list[Offer], running: int, cost: Callable[[int], float]) -> float:
    choices = product(*(range(offer.length + 1) for offer in offers))
    return max(yield_of(offers, list(choice), running, cost) for choice in choices)


PROBABILITIES = st.floats(0.1, 0.98)
FREE_OFFERS = st.lists(st.builds(Offer, st.integers(0, 3), PROBABILITIES), min_size=1, max_size=3)
OFFERS = st.lists(st.builds(Offer, st.integers(0, 3), PROBABILITIES, st.floats(0, 2)), min_size=1, max_size=3)


@given(FREE_OFFERS, st.integers(0, 3), st.lists(st.floats(0.5, 4), min_size=9, max_size=9))
def test_no_other_choice_yields_more_however_uneven_the_costs(
    offers: list[Offer], others: int, costs: list[float]
) -> None:
    running, cost = len(offers) + others, lambda drafted: [1.0, *costs][drafted]
    chosen = yield_of(offers, allot(offers, running, 9, cost), running, cost)
    assert chosen >= best_yield(offers, running, cost) - 1e-9


@given(OFFERS, st.integers(0, 3))
def test_no_other_choice_yields_more_of_guesses_that_cost_something(offers: list[Offer], others: int) -> None:
    running, cost = len(offers) + others, evenly(ASSUMED_DRAFT_COST)
    chosen = yield_of(offers, allot(offers, running, 9, cost), running, cost)
    assert chosen >= best_yield(offers, running, cost) - 1e-9


@given(OFFERS, st.integers(0, 9))
def test_no_more_is_drafted_than_there_is_room_for(offers: list[Offer], room: int) -> None:
    assert sum(allot(offers, len(offers), room, evenly(0.1))) <= room


def test_cheap_and_sure_guesses_are_all_taken() -> None:
    assert allot([Offer(16, 0.98)], 1, 16, evenly(0.0)) == [16]


def test_guesses_that_cost_as_much_as_they_save_are_left() -> None:
    assert allot([Offer(16, 0.98)], 1, 16, evenly(1.0)) == [0]


def test_a_draft_is_as_long_as_the_processor_likes_it() -> None:
    """Groups of four: a pass with three drafted tokens is cheaper than one with two."""
    costs = [1.0, 1.53, 1.85, 1.45, 2.24, 2.58, 2.88, 2.44]
    assert allot([Offer(7, 0.7)], 1, 7, costs.__getitem__) == [3]
