"""Which settings of reasoning chat templates are found to have, after the lines by which known families read them."""

import pytest

from lms.catalog.model import Reasoning
from lms.catalog.reasoning import reasoning

ON_OFF = Reasoning(("off", "on"), "on")


@pytest.mark.parametrize(
    "template",
    [
        "{%- if enable_thinking is defined and enable_thinking is false %}<think></think>{%- endif %}",
        "{%- if enable_thinking is not defined -%}{%- set enable_thinking = true -%}{%- endif -%}",
        "{{- '</think>' if (enable_thinking is defined and not enable_thinking) else '<think>' -}}",
        "{%- if documents %}{%- elif thinking %}Think first.{%- endif %}",
        "{% if not thinking is defined %}{% set thinking = false %}{% endif %}",
        "{% if thinking_mode is defined and thinking_mode == 'disabled' %}{% endif %}",
        "{%- elif thinking_option is not defined %}{%- set thinking_option = 'on' %}",
        "{%- if thinking_budget == 0 %}{%- endif %}",
        "{% if reasoning %}<|START_THINKING|>{% endif %}",
    ],
)
def test_a_switch_can_be_on_or_off(template: str) -> None:
    assert reasoning(template) == ON_OFF


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages[0].content }}",
        "{{ '<think>\\n' }}",
        "thinking or enable_thinking in plain text",
        "{%- set ns = namespace(enable_thinking=true) -%}{% if ns.enable_thinking %}<think>{% endif %}",
        "{{ message.thinking }}",
        "{% if reasoning_content %}{{ reasoning_content }}{% endif %}",
        "",
    ],
)
def test_what_is_no_variable_is_no_switch(template: str) -> None:
    assert reasoning(template) is None


def test_an_effort_that_is_printed_may_be_any() -> None:
    template = '{% if reasoning_effort is not defined %}{% set reasoning_effort = "medium" %}{% endif %}'
    printed = "{{ 'Reasoning: ' + reasoning_effort }}"
    assert reasoning(template + printed) == Reasoning(("low", "medium", "high"), "medium")
    assert reasoning(printed) == Reasoning(("low", "medium", "high"), "medium")


def test_an_effort_that_is_compared_may_be_what_it_is_compared_with() -> None:
    template = (
        '{% set reasoning_effort = reasoning_effort if reasoning_effort is defined else "high" %}'
        '{% if reasoning_effort in ["low", "minimal"] %}{% endif %}'
    )
    assert reasoning(template) == Reasoning(("low", "high"), "high")


def test_an_effort_may_be_none() -> None:
    template = "{% if reasoning_effort in ['low', 'high'] %}{% elif reasoning_effort == 'no_think' %}{% endif %}"
    assert reasoning(template) == Reasoning(("off", "low", "high"), "high")


def test_an_effort_beside_a_switch_comes_between_off_and_on() -> None:
    template = "{% if enable_thinking %}{% endif %}{% if reasoning_effort == 'xhigh' %}{% endif %}"
    assert reasoning(template) == Reasoning(("off", "xhigh", "on"), "on")


def test_an_effort_that_nobody_knows_is_no_choice() -> None:
    assert reasoning("{% if reasoning_effort == 'max' %}{% endif %}") is None
