"""Conversations that are longer than the context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.engine.overflow import Window, cut, head, room_for_prompt, shortened
from lms.generation.messages import Message
from lms.generation.request import Overflow

SYSTEM = Message("system", "Be brief.")
TURNS = tuple(
    message
    for number in range(5)
    for message in (Message("user", f"question {number}"), Message("assistant", f"answer {number}"))
)
CHAT = (SYSTEM, *TURNS[:-1])


def said(messages: tuple[Message, ...]) -> list[str]:
    return [str(message.content) for message in messages]


@pytest.mark.parametrize(
    ("policy", "most", "kept"),
    [
        ("truncateMiddle", 9, [0, 1, 2, 3, 4]),
        ("truncateMiddle", 6, [0, 3, 4]),
        ("truncateMiddle", 0, [0, 4]),
        ("rollingWindow", 6, [2, 3, 4]),
        ("rollingWindow", 0, [4]),
    ],
)
def test_whole_turns_go_until_it_fits(policy: Overflow, most: int, kept: list[int]) -> None:
    shorter = shortened(CHAT, policy, lambda messages: len(messages) <= max(most, 1) if most != 9 else True)
    questions = [text for text in said(shorter) if text.startswith("question")]
    assert said(shorter)[0] == "Be brief."
    assert questions == [f"question {number}" for number in kept]


def test_a_call_and_its_result_go_with_the_question_that_they_answer() -> None:
    chat = (TURNS[0], Message("assistant", "call"), Message("tool", "rain"), TURNS[2])
    assert said(shortened(chat, "rollingWindow", lambda messages: len(messages) < 4)) == ["question 1"]


@pytest.mark.parametrize("chat", [(), (SYSTEM,), (SYSTEM, TURNS[0]), (TURNS[1],)])
@pytest.mark.parametrize("policy", ["truncateMiddle", "rollingWindow"])
def test_what_has_no_middle_stays(chat: tuple[Message, ...], policy: Overflow) -> None:
    assert shortened(chat, policy, lambda messages: False) == chat


def test_what_stays_at_the_beginning() -> None:
    assert said(head(CHAT, "rollingWindow")) == ["Be brief."]
    assert said(head(CHAT, "truncateMiddle")) == ["Be brief.", "question 0", "answer 0"]


@given(st.integers(1, 200), st.integers(0, 200), st.integers(2, 100))
def test_a_cut_has_as_many_tokens_as_there_is_room_for(length: int, kept: int, room: int) -> None:
    tokens = list(range(length + room))
    shorter = cut(tokens, kept, room)
    assert len(shorter) == room
    assert shorter[-1] == tokens[-1]
    assert shorter[: min(kept, room // 2)] == tokens[: min(kept, room // 2)]


@pytest.mark.parametrize(("max_tokens", "room"), [(None, 75), (10, 90), (1000, 75), (0, 99)])
def test_the_answer_gets_a_quarter_or_what_it_needs(max_tokens: int | None, room: int) -> None:
    assert room_for_prompt(100, max_tokens) == room


@pytest.mark.parametrize("length", [1, 2, 3])
def test_the_smallest_window_gets_no_larger(length: int) -> None:
    assert len(Window(length, length // 2).without_middle(list(range(length + 1)))) <= length


def test_a_window_keeps_its_beginning_and_the_newer_half_of_the_rest() -> None:
    assert Window(10, 2).without_middle(list(range(11))) == [0, 1, 7, 8, 9, 10]
