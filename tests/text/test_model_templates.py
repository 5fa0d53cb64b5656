"""The chat templates that llama.cpp tests itself with: every one of them is rendered, and known by its family.

They are their makers', and not kept here: `make peer` unpacks them, and LLAMA_TEMPLATES may name another folder.
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
from lms.text.toolcalls import family_for
from tools.bench import peer

FAMILIES = json.loads((Path(__file__).parents[1] / "data" / "templates" / "families.json").read_text())
ALL = sorted(FAMILIES)
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
SAID = ("instruction", "question", "sunny", "rainy", "answer", "last")


def folder() -> Path | None:
    named = os.environ.get("LLAMA_TEMPLATES")
    unpacked = peer.FOLDER.glob("llama_cpp_python-*/vendor/llama.cpp/models/templates")
    return Path(named) if named else next(unpacked, None)


def source(name: str) -> str:
    found = folder()
    if found is None:
        pytest.skip("the source of llama.cpp is not unpacked here: `make peer` does that")
    return (found / f"{name}.jinja").read_text(encoding="utf-8")


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


@pytest.mark.parametrize("name", ALL)
def test_the_family_is_known_by_the_template(name: str) -> None:
    assert Case(name).form.family.name == FAMILIES[name]


def test_every_template_there_is_has_its_family() -> None:
    found = folder()
    if found is None:
        pytest.skip("the source of llama.cpp is not unpacked here: `make peer` does that")
    assert sorted(path.stem for path in found.glob("*.jinja")) == ALL


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
    if markers is None or name == ALWAYS_REASONS:
        pytest.skip("this model does not reason, or always does")
    assert not markers.left_open_by(Case(name).rendered((), Message("user", "question"), enable_thinking=False))
