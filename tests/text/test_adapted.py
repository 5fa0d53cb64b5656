"""Conversations in the forms that habits of templates ask for."""

import pytest

from lms.errors import InvalidRequest
from lms.generation.messages import Image, Message, Text, ToolCall
from lms.text.adapted import SHORT_ID_LENGTH, adapted, short_id
from lms.text.habits import Habits
from tests.text.test_habits import ANSWER, FIRST, LATER, RESULTS, SECOND, SYSTEM, USER, write


def test_a_conversation_stays_as_it_is_where_there_are_no_habits() -> None:
    call = Message("assistant", "t", (FIRST, SECOND), reasoning="r")
    conversation = (SYSTEM, USER, call, *RESULTS, ANSWER)
    assert adapted(conversation, Habits(), write) == conversation


def test_a_picture_stays_where_it_is_when_the_system_speaks_with_the_user() -> None:
    picture = Image(b"")
    [user] = adapted((Message("user", (picture,)), LATER), Habits(system_first=True), write)
    assert user.content == (picture, Text("\n\n"), Text("r"))


def test_a_picture_stays_where_it_is_when_the_system_speaks_before_the_user() -> None:
    picture = Image(b"")
    [user] = adapted((SYSTEM, Message("user", (picture, Text("u")))), Habits(no_system=True), write)
    assert user.content == (Text("s\n\n"), picture, Text("u"))


def test_a_short_id_is_kept_and_another_one_always_becomes_the_same() -> None:
    assert short_id("a1B2c3D4e") == "a1B2c3D4e"
    assert len(short_id("call_1")) == SHORT_ID_LENGTH
    assert short_id("call_1") == short_id("call_1") != short_id("call_2")
    assert short_id("fünfzehn!").isalnum()


def test_a_result_that_answers_no_call_stays_where_it_is() -> None:
    stray = Message("tool", "stray", tool_call_id="call_3")
    calls = Message("assistant", "", (FIRST, SECOND))
    made = adapted((calls, RESULTS[1], stray), Habits(one_call=True), write)
    assert [message.content for message in made] == ["", "", "two", "stray"]


def test_calls_with_the_same_ids_in_another_turn_keep_their_results() -> None:
    calls = Message("assistant", "", (FIRST, SECOND))
    later = tuple(Message("tool", f"later {message.content}", tool_call_id=message.tool_call_id) for message in RESULTS)
    made = adapted((calls, *RESULTS, ANSWER, calls, *later), Habits(one_call=True), write)
    assert [message.content for message in made if message.role == "tool"] == ["one", "two", "later one", "later two"]
    assert [message.tool_calls for message in made if message.tool_calls] == [(FIRST,), (SECOND,)] * 2


@pytest.mark.parametrize("arguments", ["not json", "[1]", "[" * 100_000])
def test_arguments_that_cannot_be_written_anew_are_refused(arguments: str) -> None:
    call = Message("assistant", "", (ToolCall("1", "f", arguments),))
    with pytest.raises(InvalidRequest, match="a call of “f” are no JSON object") as refused:
        adapted((call,), Habits(no_calls=True), write)
    assert refused.value.param == "messages"


def test_what_led_to_a_call_stays_with_it_when_its_text_becomes_a_message() -> None:
    call = Message("assistant", "t", (FIRST,), reasoning="r")
    text, calls = adapted((call,), Habits(calls_apart=True), write)
    assert (text.content, text.reasoning, text.tool_calls) == ("t", None, ())
    assert (calls.content, calls.reasoning, calls.tool_calls) == ("", "r", (FIRST,))
