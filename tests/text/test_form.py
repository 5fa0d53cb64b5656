"""What answers are held to, over a vocabulary of bytes, for every family: what may be written is read as calls."""

import json
import random
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from lms.errors import InvalidRequest, Unsupported
from lms.generation.constraint import JsonSchema
from lms.generation.events import TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.generation.messages import Message, Tool, ToolChoice
from lms.generation.request import ChatPrompt, GenerateRequest, TextPrompt
from lms.text.constraints import Constraints
from lms.text.form import Form
from lms.text.guide import ByteVocabulary, Guide
from lms.text.toolcalls import FAMILIES
from lms.text.toolcalls.default import DEFAULT
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.hermes import HERMES
from lms.text.toolcalls.qwen3_coder import QWEN3_CODER

END = 256
LEVEL = {
    "type": "object",
    "properties": {
        "level": {"type": "integer", "minimum": 0, "maximum": 99},
        "mode": {"type": "string", "enum": ["low key", "high"]},
        "loud": {"type": "boolean"},
    },
    "required": ["level", "mode"],
}
NO_ARGUMENTS = {"type": "object", "properties": {}}
TOOLS = (Tool("set_level", "Sets the level.", LEVEL), Tool("now", None, NO_ARGUMENTS), Tool("stop"))
STRICT = (Tool("set_level", None, LEVEL, strict=True),)
USER = (Message("user", "Hello"),)


@pytest.fixture(scope="module")
def constraints() -> Iterator[Constraints]:
    made = Constraints(ByteVocabulary())
    yield made
    made.close()


def form(family: Family = HERMES, source: str = "") -> Form:
    made = Form(source, supports_tools=True)
    made.family = family
    return made


def request(choice: ToolChoice, tools: tuple[Tool, ...] = TOOLS, **fields: Any) -> GenerateRequest:
    return GenerateRequest(ChatPrompt(USER, tools), tool_choice=choice, **fields)


def guide(constraints: Constraints, form: Form, request: GenerateRequest, prompt: str = "") -> Guide:
    bound = form.bound(request, prompt)
    assert bound is not None
    return constraints.guide(*bound)


def wander(guide: Guide, seed: int) -> str:
    """A random answer."""
    draw, written = random.Random(seed), bytearray()
    while not guide.is_over:
        token = draw.choice([token for token, forbidden in enumerate(guide.forbidden()) if not forbidden])
        if token == END:
            break
        guide.take(token)
        written.append(token)
    return written.decode()


def follows(guide: Guide, text: str) -> str:
    """As much of `text` as may be written."""
    for size, byte in enumerate(text.encode()):
        if guide.forbidden()[byte]:
            return text.encode()[:size].decode()
        guide.take(byte)
    return text


def read(form: Form, request: GenerateRequest, answer: str) -> list[tuple[str, str]]:
    """The calls of an answer that holds nothing else."""
    splitter = form.splitter(request, "", map(str, count()))
    events = splitter.feed(answer) + splitter.flush()
    assert not any(isinstance(event, TextDelta) for event in events)
    arguments = dict.fromkeys((event.index for event in events if isinstance(event, ToolCallStarted)), "")
    for event in events:
        if isinstance(event, ToolArgumentsDelta):
            arguments[event.index] += event.text
    return [(event.name, arguments[event.index]) for event in events if isinstance(event, ToolCallStarted)]


def is_level(value: Any) -> bool:
    return (
        {"level", "mode"} <= set(value) <= {"level", "mode", "loud"}
        and value["level"] in range(100)
        and value["mode"] in ("low key", "high")
        and value.get("loud", True) in (True, False)
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_whatever_is_drawn_where_a_call_is_required_is_one_that_is_valid(
    constraints: Constraints, family: Family, seed: int
) -> None:
    asked = request(ToolChoice(required=True, parallel=False))
    calls = read(form(family), asked, wander(guide(constraints, form(family), asked), seed))
    assert len(calls) == 1
    name, arguments = calls[0]
    assert is_level(json.loads(arguments)) if name == "set_level" else json.loads(arguments) == {}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_function_that_is_named_is_the_one_that_is_called(constraints: Constraints, family: Family) -> None:
    asked = request(ToolChoice(required=True, name="now"))
    [(name, arguments)] = read(form(family), asked, wander(guide(constraints, form(family), asked), 0))
    assert (name, json.loads(arguments)) == ("now", {})


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.write], ids=lambda family: family.name)
def test_several_calls_are_written_as_the_family_writes_them(constraints: Constraints, family: Family) -> None:
    assert family.write is not None
    calls = [("set_level", '{"level": 7, "mode": "high"}'), ("now", "{}"), ("stop", "{}")]
    written = family.write(calls)
    asked = request(ToolChoice(required=True))
    assert read(form(family), asked, written) == calls
    assert follows(guide(constraints, form(family), asked), written) == written
    alone = request(ToolChoice(required=True, parallel=False))
    assert len(follows(guide(constraints, form(family), alone), written)) < len(written)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_strict_function_may_be_called_or_not_but_only_as_it_says(constraints: Constraints, family: Family) -> None:
    asked = request(ToolChoice(), STRICT)
    assert follows(guide(constraints, form(family), asked), "Hello, {you}.") == "Hello, {you}."
    call = wander(guide(constraints, form(family), request(ToolChoice(required=True), STRICT)), 1)
    assert follows(guide(constraints, form(family), asked), call) == call
    wrong = call.replace("mode", "mood")
    assert follows(guide(constraints, form(family), asked), wrong) != wrong


def test_without_strict_functions_the_model_is_free() -> None:
    assert form().bound(request(ToolChoice()), "") is None


def test_reasoning_comes_before_a_call_that_is_required(constraints: Constraints) -> None:
    thinking = form(HERMES, "<think></think>")
    asked = request(ToolChoice(required=True, name="now"))
    call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    for answer in (call, f"<think>Hm {call}</think>\n\n{call}"):
        assert follows(guide(constraints, thinking, asked), answer) == answer
    assert follows(guide(constraints, thinking, asked), "<think>Hm</think>No") == "<think>Hm</think>"
    inside = f"Hm</think>{call}"
    assert follows(guide(constraints, thinking, asked, "<think>\n"), inside) == inside


def test_gpt_oss_reasons_in_a_channel_of_its_own(constraints: Constraints) -> None:
    source = "<|channel|>analysis<|message|>"
    oss = Form(source + "<|channel|>commentary", supports_tools=True)
    reasoning = "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant"
    asked = request(ToolChoice(required=True, name="now"))
    called = reasoning + "<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}"
    assert follows(guide(constraints, oss, asked), called) == called
    told = reasoning + "<|channel|>final<|message|>7"
    asked = GenerateRequest(ChatPrompt(USER), constraint=JsonSchema({"const": 7}))
    assert follows(guide(constraints, oss, asked), told) == told
    splitter = oss.splitter(asked, "", map(str, count()))
    events = splitter.feed(told) + splitter.flush()
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "7"


def test_a_constrained_answer_may_be_a_call_instead(constraints: Constraints) -> None:
    asked = request(ToolChoice(), constraint=JsonSchema({"const": 7}))
    call = '<tool_call>\n{"name": "set_level", "arguments": {"level": "any"}}\n</tool_call>'
    assert follows(guide(constraints, form(), asked), call) == call
    assert follows(guide(constraints, form(), asked), "7") == "7"
    assert follows(guide(constraints, form(), asked), "8") == ""


@pytest.mark.parametrize("choice", [ToolChoice(required=True, name="other"), ToolChoice(required=True)])
def test_a_call_of_nothing_is_refused(choice: ToolChoice) -> None:
    with pytest.raises(InvalidRequest) as refused:
        form().bound(request(choice, () if choice.name is None else TOOLS), "")
    assert refused.value.param == "tool_choice"


def test_a_schema_that_cannot_be_enforced_is_refused(constraints: Constraints) -> None:
    tool = Tool("f", None, {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}})
    with pytest.raises(InvalidRequest) as refused:
        guide(constraints, form(), request(ToolChoice(required=True), (tool,)))
    assert refused.value.param == "tools"
    assert "(?=x)" in refused.value.message
    assert "one_call" not in refused.value.message


@pytest.mark.parametrize(
    ("parameters", "keyword"),
    [
        ({"properties": {"a": {"type": "string", "minLength": 3}}}, "minLength"),
        ({"properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}]}, "anyOf"),
        ({"minProperties": 1}, "minProperties"),
    ],
)
def test_what_parameters_without_json_cannot_be_held_to_is_refused(parameters: dict[str, Any], keyword: str) -> None:
    tool = Tool("f", None, parameters)
    with pytest.raises(Unsupported, match=keyword):
        form(QWEN3_CODER).bound(request(ToolChoice(required=True), (tool,)), "")


# A schema of one argument, and whether a value is what it says.
KEYWORDS: dict[str, tuple[dict[str, Any], Callable[[Any], bool]]] = {
    "pattern": ({"type": "string", "pattern": "^[A-Z]{2}[0-9]$"}, lambda v: bool(re.fullmatch("[A-Z]{2}[0-9]", v))),
    "lengths": ({"type": "string", "minLength": 2, "maxLength": 4}, lambda v: 2 <= len(v) <= 4),
    "format": ({"type": "string", "format": "date"}, lambda v: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", v))),
    "range": ({"type": "integer", "minimum": 3, "maximum": 7}, lambda v: v in range(3, 8)),
    "const": ({"const": 42}, lambda v: v == 42),
    "mixed enum": ({"enum": ["42", 42, None]}, lambda v: v in ("42", 42, None)),
    "anyOf": (
        {"anyOf": [{"type": "integer", "maximum": 9, "minimum": 0}, {"const": "no"}]},
        lambda v: v == "no" or v < 10,
    ),
    "items": (
        {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 2},
        lambda v: len(v) in (1, 2) and set(v) <= {"a", "b"},
    ),
    "nested": (
        {"type": "object", "properties": {"x": {"type": "boolean"}}, "required": ["x"], "additionalProperties": False},
        lambda v: list(v) == ["x"] and v["x"] in (True, False),
    ),
    "reference": ({"$ref": "#/$defs/digit"}, lambda v: v in range(10)),
}


@pytest.mark.parametrize("keyword", KEYWORDS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_a_schema_says_of_an_argument_is_enforced_or_refused(
    constraints: Constraints, family: Family, keyword: str
) -> None:
    schema, is_valid = KEYWORDS[keyword]
    digit = {"digit": {"type": "integer", "minimum": 0, "maximum": 9}}
    tool = Tool("f", None, {"type": "object", "properties": {"a": schema}, "required": ["a"], "$defs": digit})
    asked = request(ToolChoice(required=True, name="f"), (tool,))
    for seed in range(3):
        try:
            answer = wander(guide(constraints, form(family), asked), seed)
        except Unsupported:
            assert keyword in ("pattern", "lengths", "format")
            assert family not in (HERMES, DEFAULT)
            return
        [(_, arguments)] = read(form(family), asked, answer)
        assert is_valid(json.loads(arguments)["a"])


def test_a_text_prompt_knows_neither_reasoning_nor_calls() -> None:
    constraint = JsonSchema({})
    asked = GenerateRequest(TextPrompt("x"), constraint=constraint)
    assert form(HERMES, "<think></think>").bound(asked, "x") == (constraint, "")


def test_a_template_that_takes_no_tools_gets_them_told_by_the_system() -> None:
    made = Form("{{ messages }}", supports_tools=False)
    assert made.family is DEFAULT
    told = made.conversation(ChatPrompt(USER, TOOLS))
    assert told.tools == ()
    assert [message.role for message in told.messages] == ["system", "user"]
    assert "set_level" in str(told.messages[0].content)


def test_a_template_that_prints_calls_and_takes_no_tools_gets_them_told_in_the_form_of_its_calls() -> None:
    made = Form("{{ messages }}" + " ".join(HERMES.mentioned), supports_tools=False)
    assert made.family is HERMES
    said = made.conversation(ChatPrompt(USER, TOOLS)).messages[0].content
    assert "<tool_call>" in said
    assert "set_level" in said


def test_a_template_with_a_known_form_gets_the_tools_themselves() -> None:
    prompt = ChatPrompt(USER, TOOLS)
    assert Form("{{ tools }}" + " ".join(HERMES.mentioned), supports_tools=True).conversation(prompt) is prompt
