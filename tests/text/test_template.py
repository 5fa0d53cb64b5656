"""Chat templates, with small ones that show one habit each of those found in model files."""

from datetime import datetime
from itertools import count

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
        "{{ '-' * 10000000 }}",
        "{{ 10 * messages * 1000000 }}",
        "{{ 9 ** 9999999 }}",
        "{% set big = namespace(x=9) %}{% for i in range(99) %}{% set big.x = big.x * big.x %}{% endfor %}",
    ],
)
def test_a_template_that_fails_makes_the_request_invalid(source: str) -> None:
    with pytest.raises(InvalidRequest, match="chat template failed"):
        rendered(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__['json'] }}",
        "{{ '{0.__class__.__mro__}'.format(messages) }}",
    ],
)
def test_a_template_reaches_nothing_outside_its_values(source: str) -> None:
    with pytest.raises(InvalidRequest, match=r"unsafe|not safely"):
        rendered(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro twice(n) %}{% if n %}{{ twice(n - 1) }}{{ twice(n - 1) }}{% endif %}{% endmacro %}{{ twice(99) }}",
        "{% block again %}{{ self.again() }}{% endblock %}",
    ],
)
def test_a_template_that_would_run_for_ages_is_ended(source: str) -> None:
    template = ChatTemplate(source, "", "", seconds=count().__next__)
    with pytest.raises(InvalidRequest, match="runs for too long"):
        template.render(ChatPrompt((USER,)))


def test_a_template_that_would_print_without_end_is_ended() -> None:
    line = "-" * 1000
    source = f"{{% for i in range(99999) %}}{{% for j in range(99999) %}}{line}{{% endfor %}}{{% endfor %}}"
    with pytest.raises(InvalidRequest, match="prints more than"):
        rendered(source)


def test_a_template_may_change_its_lists_and_nothing_that_it_was_given() -> None:
    source = (
        "{% set queue = namespace(ids=[]) %}{% set _ = queue.ids.append('a') %}{{ queue.ids.pop(0) }}"
        "{% set _ = messages.append(1) %}{% set _ = tools[0].function.parameters.update({'x': messages}) %}"
        "{% set _ = given.append(2) %} {{ messages | length }} {{ given }}"
    )
    template, given = ChatTemplate(source, "", ""), [1]
    prompt = ChatPrompt((USER,), (WEATHER,), {"given": given})
    assert template.render(prompt) == template.render(prompt) == "a 2 [1, 2]"
    assert given == [1]
    assert WEATHER.parameters == {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.mark.parametrize("source", ["{% if %}", "{{ messages", "{% endfor %}", "{{ x | nofilter }}", "{% unknown %}"])
def test_a_template_that_is_none_is_found_when_the_model_is_loaded(source: str) -> None:
    with pytest.raises(ModelDamaged, match="chat template is not valid"):
        ChatTemplate(source, "", "")


@pytest.mark.parametrize(
    "source",
    ["{% for a in x %}" * 30 + "{% endfor %}" * 30, "{% if a %}" * 200 + "{% endif %}" * 200, "{{" + "(" * 999],
)
def test_a_template_that_is_nested_too_deeply_is_none(source: str) -> None:
    with pytest.raises(ModelDamaged, match="chat template is not valid"):
        ChatTemplate(source, "", "")


def test_the_line_of_a_syntax_error_is_named() -> None:
    with pytest.raises(ModelDamaged, match="line 2"):
        ChatTemplate("one\n{% if %}", "", "")


def test_tojson_writes_plain_json_with_the_layout_asked_for() -> None:
    assert rendered("{{ x | tojson }}", x={"b": "<é'", "a": 1}) == '{"b": "<é\'", "a": 1}'
    assert rendered("{{ x | tojson(indent=1, sort_keys=true) }}", x={"b": 2, "a": 1}) == '{\n "a": 1,\n "b": 2\n}'
    assert rendered("{{ x | tojson(separators=(',', ':')) }}", x=[1, {"a": 2}]) == '[1,{"a":2}]'


def test_json_is_made_of_what_filters_yield_and_of_nothing_else() -> None:
    assert rendered("{{ x | map(attribute='a') | tojson }}", x=[{"a": 1}, {"a": 2}]) == "[1, 2]"
    with pytest.raises(InvalidRequest, match="is no JSON"):
        rendered("{{ raise_exception | tojson }}")


def test_json_is_read_and_texts_are_never_escaped_as_html() -> None:
    assert rendered("{{ (x | from_json).a }}", x='{"a": [1]}') == "[1]"
    assert rendered("{{ '<' + (x | tojson | safe) + '&' }}", x={"a": "<"}) == '<{"a": "<"}&'


def test_the_day_comes_from_the_clock_given() -> None:
    template = ChatTemplate("{{ strftime_now('%d %b %Y') }}", "", "", now=lambda: datetime(2026, 11, 22))
    assert template.render(ChatPrompt((USER,))) == "22 Nov 2026"


def test_variables_of_the_request_reach_the_template() -> None:
    assert rendered("{{ enable_thinking }}", enable_thinking=False) == "False"


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        ("<think>", "<think>\n</think>\n\n"),
        ("<think></think>", "<think></think>"),
        ("", "<think>\n</think>\n\n"),
    ],
)
def test_reasoning_that_is_not_wanted_is_over_before_it_begins(beginning: str, expected: str) -> None:
    source = "{# </think> #}{{ messages[0].content }}:" + beginning
    assert rendered(source, enable_thinking=False) == "Introduce yourself.:" + expected
    assert rendered(source, enable_thinking=True) == rendered(source) == "Introduce yourself.:" + beginning


def test_a_template_that_switches_reasoning_itself_has_the_last_word() -> None:
    source = "{{ '/no_think' if enable_thinking is false }}{# </think> #}"
    assert rendered(source, enable_thinking=False) == "/no_think"


def test_a_model_that_does_not_reason_needs_no_switch() -> None:
    assert rendered("{{ messages[0].content }}", enable_thinking=False) == "Introduce yourself."


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


def test_tools_go_by_every_name_that_templates_have_for_them() -> None:
    text = rendered("{{ tools | tojson }}", tools=(WEATHER,))
    assert rendered("{{ xml_tools | tojson }}", tools=(WEATHER,)) == text
    assert rendered("{{ functions }}", tools=(WEATHER,)) == text


@pytest.mark.parametrize("messages", [(USER,), (SYSTEM, USER)])
def test_tools_are_a_field_of_what_the_system_says_where_a_template_reads_them_there(
    messages: tuple[Message, ...],
) -> None:
    source = "{% for m in messages %}{{ m.role }}:{{ m.content }}:{{ m.tools }}|{% endfor %}"
    text = rendered(source, *messages, tools=(WEATHER,))
    assert text.startswith(f"system:{SYSTEM.content if len(messages) > 1 else ''}:[{{")
    assert "get_weather" in text
    assert rendered(source, USER) == "user:Introduce yourself.:|"


def test_reasoning_goes_by_every_name_that_templates_have_for_it() -> None:
    answer = Message("assistant", "42", reasoning="Hm.")
    for name in ("reasoning_content", "reasoning", "thinking", "thought"):
        assert rendered(f"{{{{ messages[0].{name} }}}}", answer) == "Hm."


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
        ("{{ messages[0].content }} tools", False),
        ("{% for message in messages %}{{ message.tools }}{{ message.content }}{% endfor %}", True),
        ("{{ xml_tools }}", True),
        ("{{ functions }}", True),
        (CHATML, False),
    ],
)
def test_a_template_supports_tools_when_it_looks_at_them(source: str, supported: bool) -> None:
    assert ChatTemplate(source, "", "").supports_tools is supported
