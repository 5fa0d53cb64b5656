"""Reasoning that is ended: a budget over tokens of one byte."""

import pytest

from lms.engine.reasoning_budget import ReasoningBudget
from lms.text.reasoning import THINK

CLOSING = list(b"\n</think>\n\n")


def told(budget: ReasoningBudget, text: str, most: int = 100) -> str:
    """What is written when the model wants to write `text`, and writes on after what is dictated."""
    wanted, written = list(text.encode()), bytearray()
    while wanted and len(written) < most:
        token = budget.dictated
        token = wanted.pop(0) if token is None else token
        budget.take(token)
        written.append(token)
    return written.decode()


def budget(tokens: int, *, inside: bool = False) -> ReasoningBudget:
    return ReasoningBudget(tokens, THINK, CLOSING, lambda token: bytes([token]), inside=inside)


@pytest.mark.parametrize("text", ["no reasoning at all", "<think>short</think>answer"])
def test_who_stays_within_it_notices_nothing(text: str) -> None:
    assert told(budget(30), text) == text


def test_what_is_longer_ends_after_so_many_tokens() -> None:
    assert told(budget(4), "<think>abcdefgh") == "<think>abcd\n</think>efgh"


def test_a_budget_of_nothing_ends_reasoning_at_once() -> None:
    assert told(budget(0), "<think>abc") == "<think>\n</think>abc"
    assert told(budget(0, inside=True), "abc") == "\n</think>abc"


def test_reasoning_that_the_prompt_opened_counts_from_the_first_token() -> None:
    assert told(budget(2, inside=True), "abcd") == "ab\n</think>cd"


def test_reasoning_that_begins_again_has_no_new_budget() -> None:
    assert told(budget(2), "<think>ab</think>x<think>cd") == "<think>ab\n</think></think>x<think>\n</think>cd"
