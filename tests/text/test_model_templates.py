"""Chat templates of models: each tells its family, and those that llama.cpp tests itself with are all rendered.

The latter are their makers', and not kept here: `make peer` unpacks them, and LLAMA_TEMPLATES may name another folder.
Lines as such templates have them are below.
"""

import json
import os
from pathlib import Path

import pytest

from lms.generation.messages import Message, Tool, ToolCall
from lms.generation.request import ChatPrompt
from lms.text.form import Form
from lms.text.reasoning import markers_for
from lms.text.switches import EFFORTS
from lms.text.template import ChatTemplate
from lms.text.toolcalls import FAMILIES as KNOWN
from lms.text.toolcalls import family_for
from tools.bench import peer

FAMILIES = json.loads((Path(__file__).parents[1] / "data" / "templates" / "families.json").read_text())


def folder() -> Path | None:
    named = os.environ.get("LLAMA_TEMPLATES")
    unpacked = peer.FOLDER.glob("llama_cpp_python-*/vendor/llama.cpp/models/templates")
    return Path(named) if named else next(unpacked, None)


FOLDER = folder()
NAMES = sorted(path.stem for path in FOLDER.glob("*.jinja")) if FOLDER else ["none"]
UNPACKED = pytest.mark.skipif(FOLDER is None, reason="llama.cpp's source is not unpacked here: `make peer` does that")
ALL = [pytest.param(name, marks=UNPACKED) for name in NAMES]
ALWAYS_REASONS = "openai-gpt-oss-120b"

CITY = {"type": "object", "properties": {"city": {"type": "string", "description": "Where."}}, "required": ["city"]}
TOOLS = (Tool("get_weather", "Tells the weather.", CITY), Tool("now"))
CALL = ToolCall("call_0123456789", "get_weather", '{"city": "Zermatt"}')
OTHER_CALL = ToolCall("call_9876543210", "get_weather", '{"city": "Chamonix"}')
CONVERSATION = (
    Message("system", "instruction-words"),
    Message("user", "question-words"),
    Message("assistant", tool_calls=(CALL, OTHER_CALL), reasoning="reasoning-words"),
    Message("tool", "sunny-words", tool_call_id=CALL.id, name="get_weather"),
    Message("tool", "rainy-words", tool_call_id=OTHER_CALL.id, name="get_weather"),
    Message("assistant", "answer-words"),
    Message("user", "last-words"),
)
# By what a template says of calls, or how it prints those of a conversation.
LINES = {
    "harmony": "{{ '<|start|>assistant to=' + name + '<|channel|>commentary json<|message|>' }}",
    "seed_oss": "{{ '<seed:tool_call>\\n<function=' + name + '>' }}{{ '<parameter=' + key + '>' }}",
    "qwen3_coder": "Use <tool_call>\n<function=name>\n<parameter=key>\nvalue\n</parameter>",
    "minimax": "{%- set begin = '<minimax:tool_call>' -%}{{ '<invoke name=\"' + name + '\">' }}",
    "glm": "{{ '<tool_call>' + name }}\n<arg_key>{{ key }}</arg_key>\n<arg_value>{{ value }}</arg_value>",
    "glm_dense": "{{ '<tool_call>' + name }}<arg_key>{{ key }}</arg_key><arg_value>{{ value }}</arg_value>",
    "kimi": "<|tool_call_begin|>functions.{{ name }}:0<|tool_call_argument_begin|>{{ arguments }}<|tool_call_end|>",
    "dsml_functions": "{%- set dsml = '｜DSML｜' -%}{{ '<' + dsml + 'function_calls>' }}",
    "dsml_tools": "{%- set dsml = '｜DSML｜' -%}{{ '<' + dsml + 'tool_calls>' }}",
    "deepseek_fenced": "{{ '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>' + name + '```json' }}",
    "deepseek": "{{ '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + name + '<｜tool▁sep｜>' + arguments }}",
    "gemma": "{{ '<|tool_call>call:' + name + '{' }}{{ '}<tool_call|>' }}",
    "functiongemma": "{{ '<start_function_call>call:' + name + '{' }}",
    "command_r7b": 'Write <|START_ACTION|> and a list of calls with "tool_name" and "parameters".',
    "command_r": 'Write \'Action:\' and a list of calls with "tool_name" and "parameters".',
    "nemotron": "{{ '<TOOLCALL>[' }}",
    "granite": "{{ '<|start_of_role|>system<|end_of_role|>' }} Write <|tool_call|> and a list of calls.",
    "phi": "{{ content + '<|tool|>' + message['tools'] + '<|/tool|>' }}",
    "functools": 'Write functools[{"name": name, "arguments": arguments}, ...].',
    "lfm2": "{{ 'List of tools: <|tool_list_start|>[' }}",
    "lfm2_5": "{{ 'List of tools: [' }}",
    "mistral_named": "{{ '[TOOL_CALLS]' + name + '[ARGS]' + arguments }}",
    "mistral": "{{ '[TOOL_CALLS] [' }}",
    "llama3": "<|start_header_id|>{{ '{\"name\": \"' + name + '\", ' }}{{ '\"parameters\": ' }}",
    "apriel": 'Write <tool_calls>[{"name": name, "arguments": arguments}]</tool_calls>.',
    "minimax_m1": '<tool_calls>\n{"name": name, "arguments": arguments}\n</tool_calls>',
    "hermes": '<tool_call>\n{"name": name, "arguments": arguments}\n</tool_call>',
    "default": "{{ tools | tojson }}",
}

SAID = ("instruction", "question", "sunny", "rainy", "answer", "last")


@pytest.mark.parametrize("family", LINES)
def test_a_line_of_a_template_tells_its_family(family: str) -> None:
    assert family_for(LINES[family]).name == family


def test_a_llama_that_was_taught_another_form_writes_that() -> None:
    assert family_for(LINES["llama3"] + LINES["hermes"]).name == "hermes"


def test_every_family_has_a_line_by_which_it_is_told() -> None:
    assert set(LINES) == {family.name for family in KNOWN}


def source(name: str) -> str:
    assert FOLDER is not None
    return (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")


class Case:
    """A template with its form, as a model has them."""

    def __init__(self, name: str) -> None:
        text = source(name)
        self.template = ChatTemplate(text, "<s>", "</s>", write_calls=family_for(text).write)
        self.form = Form(text, supports_tools=self.template.supports_tools)

    def rendered(self, tools: tuple[Tool, ...], *messages: Message, **variables: object) -> str:
        prompt = ChatPrompt(messages or CONVERSATION, tools, variables)
        return self.template.render(self.form.conversation(prompt))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("tools", [TOOLS, ()], ids=["tools", "no_tools"])
def test_nothing_of_a_conversation_with_calls_is_left_out(name: str, tools: tuple[Tool, ...]) -> None:
    text = Case(name).rendered(tools)
    assert all(f"{word}-words" in text for word in SAID)
    assert "Zermatt" in text
    assert "Chamonix" in text
    assert text.count("reasoning-words") <= 1
    assert not tools or "Tells the weather." in text


@pytest.mark.parametrize("name", ALL)
def test_a_call_may_be_the_last_that_was_said(name: str) -> None:
    assert "rainy-words" in Case(name).rendered(TOOLS, *CONVERSATION[:5])


@pytest.mark.parametrize("name", [param for param in ALL if param.values[0] in {*FAMILIES, "none"}])
def test_the_family_is_known_by_the_template(name: str) -> None:
    assert Case(name).form.family.name == FAMILIES[name]


@pytest.mark.parametrize("name", ALL)
def test_reasoning_may_be_switched_and_set_by_any_word(name: str) -> None:
    case = Case(name)
    user = Message("user", "question-words")
    for on in (True, False) if name != ALWAYS_REASONS else (True,):
        assert "question-words" in case.rendered((), user, enable_thinking=on)
    for effort in EFFORTS[1:]:
        assert "question-words" in case.rendered((), user, enable_thinking=True, reasoning_effort=effort)


@pytest.mark.parametrize("name", ALL)
def test_reasoning_that_is_not_wanted_never_begins_in_the_prompt(name: str) -> None:
    markers = markers_for(source(name))
    if markers and name != ALWAYS_REASONS:
        assert not markers.left_open_by(Case(name).rendered((), Message("user", "question"), enable_thinking=False))
