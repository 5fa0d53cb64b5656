"""Chat templates, with small ones that show one habit each of those found in model files."""

from datetime import datetime

import pytest

from lms.errors import InvalidRequest, ModelDamaged, Unsupported
from lms.generation.messages import Message, Tool, ToolCall
from lms.generation.request import ChatPrompt
from lms.text.template import CHATML, ChatTemplate

SYSTEM = Message("system", "Always answer in rhymes.")
USER = Message("user", "Introduce yourself.")
WEATHER = Tool("get_weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
CALL = ToolCall("365174485", "get_weather", '{"city":"Zürich"}')


def rendered(source: str, *messages: Message, tools: tuple[Tool, ...] = (), **variables: object) -> str:
    template = ChatTemplate(source, "<s>", "</s>")
    return template.render(ChatPrompt(messages or (USER,), tools, variables))


def test_chatml_wraps_every_turn_and_opens_the_answer() -> None:
    assert rendered(CHATML, SYSTEM, USER) == (
        "<|im_start|>system\nAlways answer in rhymes.<|im_end|>\n"
        "<|im_start|>user\nIntroduce yourself.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_the_content_of_a_message_is_never_read_as_a_template() -> None:
    assert "{{ bos_token }} {% if %} <b>&" in rendered(CHATML, Message("user", "{{ bos_token }} {% if %} <b>&"))


def test_lines_that_hold_only_a_block_leave_no_trace() -> None:
    source = "{{ bos_token }}\n  {% for message in messages %}\n{{ message['role'] }}\n  {% endfor %}\n"
    assert rendered(source) == "<s>\nuser\n"


def test_loops_can_be_left_and_state_kept_in_a_namespace() -> None:
    source = (
        "{% set seen = namespace(count=0) %}{% for m in messages %}{% if m.role == 'user' %}{% break %}{% endif %}"
        "{% set seen.count = seen.count + 1 %}{% endfor %}{{ seen.count }}"
    )
    assert rendered(source, SYSTEM, USER, SYSTEM) == "1"


def test_a_refusal_reaches_the_user_in_the_words_of_the_template() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rendered("{{ raise_exception('Roles must alternate!') }}")
    assert refusal.value.message == "Roles must alternate!"


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages[9].content.strip() }}",
        "{{ 1 / 0 }}",
        "{% include 'other' %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{% for i in range(100001) %}{% endfor %}",
    ],
)
def test_a_template_that_fails_makes_the_request_invalid(source: str) -> None:
    with pytest.raises(InvalidRequest, match="chat template failed"):
        rendered(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.append(1) }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__['json'] }}",
        "{{ '{0.__class__.__mro__}'.format(messages) }}",
    ],
)
def test_a_template_reaches_nothing_outside_its_values(source: str) -> None:
    with pytest.raises(InvalidRequest, match=r"unsafe|not safely"):
        rendered(source)


@pytest.mark.parametrize("source", ["{% if %}", "{{ messages", "{% endfor %}", "{{ x | nofilter }}", "{% unknown %}"])
def test_a_template_that_is_none_is_found_when_the_model_is_loaded(source: str) -> None:
    with pytest.raises(ModelDamaged, match="chat template is not valid"):
        ChatTemplate(source, "", "")


def test_the_line_of_a_syntax_error_is_named() -> None:
    with pytest.raises(ModelDamaged, match="line 2"):
        ChatTemplate("one\n{% if %}", "", "")


def test_tojson_writes_plain_json_with_the_layout_asked_for() -> None:
    assert rendered("{{ x | tojson }}", x={"b": "<é'", "a": 1}) == '{"b": "<é\'", "a": 1}'
    assert rendered("{{ x | tojson(indent=1, sort_keys=true) }}", x={"b": 2, "a": 1}) == '{\n "a": 1,\n "b": 2\n}'
    assert rendered("{{ x | tojson(separators=(',', ':')) }}", x=[1, {"a": 2}]) == '[1,{"a":2}]'


def test_the_day_comes_from_the_clock_given() -> None:
    template = ChatTemplate("{{ strftime_now('%d %b %Y') }}", "", "", now=lambda: datetime(2026, 11, 22))
    assert template.render(ChatPrompt((USER,))) == "22 Nov 2026"


def test_variables_of_the_request_reach_the_template() -> None:
    assert rendered("{{ enable_thinking }}", enable_thinking=False) == "False"


def test_variables_of_the_request_cannot_replace_the_conversation() -> None:
    source = "{{ messages[0].content }} {{ bos_token }} {{ add_generation_prompt }}"
    assert rendered(source, messages=[], bos_token="!", add_generation_prompt=False) == "Introduce yourself. <s> True"


def test_blocks_marked_for_training_are_rendered_as_they_stand() -> None:
    assert rendered("a{% generation %}{{ messages[0].role }}{% endgeneration %}b") == "auserb"


def test_fields_that_a_message_lacks_are_not_defined() -> None:
    source = "{{ 'tool_calls' in messages[0] }} {{ messages[0].reasoning_content is defined }}"
    assert rendered(source) == "False False"
    answer = Message("assistant", tool_calls=(CALL,), reasoning="Hm.")
    assert rendered(source, answer) == "True True"


def test_the_answer_of_a_tool_names_its_call() -> None:
    source = "{{ messages[0].tool_call_id }} {{ messages[0].name }} {{ messages[0].content }}"
    answer = Message("tool", "sunny", tool_call_id="365174485", name="get_weather")
    assert rendered(source, answer) == "365174485 get_weather sunny"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ call.name }}: {{ call.arguments.city }}", "get_weather: Zürich"),
        ("{% for key, value in call.arguments.items() %}{{ key }}={{ value }}{% endfor %}", "city=Zürich"),
        ("{{ call.arguments | tojson }}", '{"city": "Zürich"}'),
        ("{{ call.arguments }}", '{"city":"Zürich"}'),
        ("{{ 'json ' + call.arguments + ' end' }}", 'json {"city":"Zürich"} end'),
        ("{{ 'json ' ~ call.arguments }}", 'json {"city":"Zürich"}'),
        ("{{ call.arguments is mapping }} {{ call.arguments is string }}", "True False"),
    ],
)
def test_arguments_suit_templates_that_expect_a_mapping_and_those_that_expect_text(source: str, expected: str) -> None:
    answer = Message("assistant", tool_calls=(CALL,))
    assert rendered("{% set call = messages[0].tool_calls[0].function %}" + source, answer) == expected


@pytest.mark.parametrize("written", ["not json", "[1]", "", "[" * 100_000])
def test_arguments_that_are_no_object_stay_the_text_they_are(written: str) -> None:
    answer = Message("assistant", tool_calls=(ToolCall("1", "f", written),))
    assert rendered("{{ messages[0].tool_calls[0].function.arguments }}", answer) == written


def test_tools_are_given_in_the_form_of_the_openai_api() -> None:
    expected = (
        '[{"type": "function", "function": {"name": "get_weather", "description": "Tells the weather.", '
        '"parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]'
    )
    assert rendered("{{ tools | tojson }}", tools=(WEATHER,)) == expected


def test_a_tool_without_description_and_parameters_has_empty_ones() -> None:
    source = "{{ '// ' + tools[0].function.description }} {{ tools[0].function.parameters.properties | length }}"
    assert rendered(source, tools=(Tool("now"),)) == "//  0"


def test_without_tools_there_are_none() -> None:
    assert rendered("{{ tools is none }}") == "True"


def test_tools_are_refused_by_a_template_that_would_leave_them_out() -> None:
    with pytest.raises(Unsupported) as refusal:
        rendered(CHATML, tools=(WEATHER,))
    assert refusal.value.param == "tools"


@pytest.mark.parametrize(
    ("source", "supported"),
    [
        ("{% if tools %}{{ tools }}{% endif %}", True),
        ("{% if not tools is defined %}{% set tools = none %}{% endif %}", True),
        ("{% macro use() %}{{ tools | tojson }}{% endmacro %}", True),
        ("{# tools are not supported #}", False),
        ("{{ messages[0].tools }} tools", False),
        (CHATML, False),
    ],
)
def test_a_template_supports_tools_when_it_looks_at_them(source: str, supported: bool) -> None:
    assert ChatTemplate(source, "", "").supports_tools is supported
