"""What templates want of a conversation, with a small template for each habit of those found in model files."""

import json

import pytest

from lms.errors import InvalidRequest
from lms.generation.messages import Message, Tool, ToolCall
from lms.generation.request import ChatPrompt
from lms.text.adapted import short_id
from lms.text.habits import TRIALS, Habits, habits_of
from lms.text.template import ChatTemplate

# The form that needs no adapting.
PLAIN = (
    "{% for t in tools or [] %}{{ t.function.name }}{% endfor %}"
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<{{ c.id }}:{{ c.function.name }} {{ c.function.arguments }}>{% endfor %}"
    "{% endfor %}"
)
FIRST, SECOND = ToolCall("call_1", "f", '{"a": 1}'), ToolCall("call_2", "g", "{}")
SYSTEM, USER, ANSWER = Message("system", "s"), Message("user", "u"), Message("assistant", "a")
RESULTS = (Message("tool", "one", tool_call_id="call_1"), Message("tool", "two", tool_call_id="call_2"))


def write(calls: object) -> str:
    return json.dumps(calls)


def habits(source: str) -> Habits:
    return ChatTemplate(source, "", "")._habits


def rendered(source: str, *messages: Message, tools: tuple[Tool, ...] = ()) -> str:
    return ChatTemplate(source, "", "", write_calls=write).render(ChatPrompt(messages, tools))


def test_a_template_that_prints_all_has_no_habits() -> None:
    assert habits(PLAIN) == Habits()


def test_tools_are_an_empty_list_where_none_would_fail() -> None:
    source = "{% for t in tools %}{{ t.function.name }}{% endfor %}{{ messages[0].content }}"
    assert rendered(source, USER) == "u"


def test_a_system_that_is_refused_speaks_before_the_user() -> None:
    source = "{% if messages[0].role == 'system' %}{{ raise_exception('No system') }}{% endif %}" + PLAIN
    assert rendered(source, SYSTEM, USER, ANSWER, Message("system", "more"), USER) == (
        "[user]s\n\nmore\n\nu[assistant]a[user]u"
    )
    with pytest.raises(InvalidRequest, match="No system"):
        rendered(source, SYSTEM)


SYSTEM_FIRST = (
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('late') }}{% endif %}"
    "[{{ m.role }}]{{ m.content }}{% endfor %}"
)
# Leaves out in silence what another one refuses.
SYSTEM_FIRST_ONLY = (
    "{% for m in messages %}{% if m.role != 'system' or loop.first %}[{{ m.role }}]{{ m.content }}{% endif %}"
    "{% endfor %}"
)
LATER = Message("system", "r")


@pytest.mark.parametrize("source", [SYSTEM_FIRST, SYSTEM_FIRST_ONLY])
def test_a_system_that_speaks_too_late_speaks_with_the_user(source: str) -> None:
    conversation = (SYSTEM, USER, LATER, ANSWER, LATER, USER)
    assert rendered(source, *conversation) == "[system]s[user]u\n\nr[assistant]a[user]r\n\nu"


def test_a_system_that_may_speak_any_time_does() -> None:
    source = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    assert rendered(source, SYSTEM, USER, LATER) == "[system]s[user]u[system]r"


def test_calls_that_would_be_left_out_are_written_into_the_text() -> None:
    source = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    call = Message("assistant", "t", (FIRST,))
    assert rendered(source, USER, call, RESULTS[0]) == '[user]u[assistant]t\n[["f", "{\\"a\\": 1}"]][tool]one'
    assert rendered(source, Message("assistant", "", (SECOND,))) == '[assistant][["g", "{}"]]'


def test_a_text_is_null_where_calls_would_be_left_out_otherwise() -> None:
    source = (
        "{% for m in messages %}{% if m.content is none %}{% for c in m.tool_calls %}<{{ c.function.arguments }}>"
        "{% endfor %}{% else %}[{{ m.role }}]{{ m.content }}{% endif %}{% endfor %}"
    )
    assert habits(source) == Habits(null_content=True, calls_apart=True)
    assert rendered(source, USER, Message("assistant", "", (FIRST, SECOND)), *RESULTS) == (
        '[user]u<{"a": 1}><{}>[tool]one[tool]two'
    )
    assert rendered(source, Message("assistant", "t", (FIRST,))) == '[assistant]t<{"a": 1}>'


def test_ids_have_nine_letters_where_others_are_refused() -> None:
    source = (
        "{% for m in messages %}{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}"
        "{{ raise_exception('Nine!') }}{% endif %}{% endfor %}{% endfor %}" + PLAIN + "{{ messages[-1].tool_call_id }}"
    )
    assert habits(source) == Habits(short_ids=True)
    text = rendered(source, USER, Message("assistant", "", (FIRST,)), RESULTS[0])
    assert text.count(short_id("call_1")) == 2


def test_calls_are_made_one_by_one_where_more_are_refused() -> None:
    source = (
        "{% for m in messages %}{% if m.tool_calls and m.tool_calls | length > 1 %}{{ raise_exception('One!') }}"
        "{% endif %}{% endfor %}" + PLAIN
    )
    assert habits(source) == Habits(one_call=True)
    assert rendered(source, USER, Message("assistant", "", (FIRST, SECOND)), *RESULTS, ANSWER) == (
        '[user]u[assistant]<call_1:f {"a": 1}>[tool]one[assistant]<call_2:g {}>[tool]two[assistant]a'
    )


def test_a_text_beside_calls_becomes_a_message_where_it_would_be_left_out() -> None:
    source = PLAIN.replace("{{ m.content }}", "{{ m.content if not m.tool_calls }}")
    assert habits(source) == Habits(calls_apart=True)
    call = Message("assistant", "t", (FIRST,), reasoning="r")
    assert rendered(source, USER, call) == '[user]u[assistant]t[assistant]<call_1:f {"a": 1}>'


def test_a_template_that_always_fails_has_no_habits() -> None:
    assert habits("{{ raise_exception('No') }}") == Habits()


def test_nothing_is_tried_further_once_all_can_be_read() -> None:
    shown: list[Habits] = []

    def render(messages: tuple[Message, ...], tools: tuple[Tool, ...], habits: Habits) -> str:
        shown.append(habits)
        return f"{messages} {tools}"

    assert habits_of(render) == Habits()
    assert shown == [Habits()] * len(TRIALS)
