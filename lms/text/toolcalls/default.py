"""Tool calls of models that have no format of their own, or none that is known: as LM Studio teaches them.

    [TOOL_REQUEST]{"name": …, "arguments": {…}}[END_TOOL_REQUEST]

The model is told of the format and of the functions by the system; calls and what they returned stand in the texts of
the conversation. Format: https://lmstudio.ai/docs/developer/openai-compat/tools (“Default tool use support”).
"""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby

from lms.generation.messages import Message, Part, Text, Tool, ToolCall
from lms.generation.request import ChatPrompt
from lms.text.conversation import tool_fields
from lms.text.toolcalls.family import Family, Reading, Write
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, END = "[TOOL_REQUEST]", "[END_TOOL_REQUEST]"
RESULT, END_OF_RESULT = "[TOOL_RESULT]", "[END_TOOL_RESULT]"

LAYOUT = Layout(START, '{"name": "{name}", "arguments": ', "}" + END, between="\n" + START)

INSTRUCTIONS = """\
You can use tools. A tool is a function that is run for you: you ask for it, and get what it returns.

To use a tool, write a request of exactly this form:
{form}

# AVAILABLE TOOLS
{tools}

# RULES
- Use only the tools that are listed above, under the names they have there.
- Give every argument that a tool requires, as its parameters describe it.
- Write one request for each use of a tool. To use several, write several requests, one after the other.
- Never write {result}: results are given to you after your requests.
- When you use a tool, write nothing but requests.

# EXAMPLES
With a tool “get_height” that takes a “mountain”, and the question “How high is the Zugspitze?”:
{one}

With the same tool, and the question “Which is higher, Etna or Olympus?”:
{two}

If no tool helps with what the user says, answer as in any conversation, without a request."""

ZUGSPITZE, ETNA, OLYMPUS = (("get_height", f'{{"mountain": "{name}"}}') for name in ("Zugspitze", "Etna", "Olympus"))
EXAMPLES = {
    "form": (("tool_name", '{"param1": "value1", "param2": 2}'),),
    "one": (ZUGSPITZE,),
    "two": (ETNA, OLYMPUS),
}


def read(incoming: Incoming) -> Reading[None]:
    """One call, between its markers."""
    yield from incoming.take(START)
    yield from incoming.space()
    yield from JsonCalls().one(incoming)
    yield from incoming.space()
    yield from incoming.take(END)


DEFAULT = Family("default", (), (START,), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)


def taught(prompt: ChatPrompt) -> ChatPrompt:
    """The same conversation for a model that knows of tools only what the system tells it."""
    if not prompt.tools and not any(message.role == "tool" or message.tool_calls for message in prompt.messages):
        return prompt
    messages = tuple(_without_calls(prompt.messages))
    if prompt.tools:
        messages = _instructed(messages, instructions(prompt.tools))
    return ChatPrompt(messages, (), prompt.template_variables)


def told(prompt: ChatPrompt, write: Write) -> ChatPrompt:
    """The same conversation for a model that has a way to `write` calls, and a template that has no place for tools."""
    if not prompt.tools:
        return prompt
    messages = _instructed(prompt.messages, instructions(prompt.tools, write, "a result"))
    return ChatPrompt(messages, (), prompt.template_variables)


def instructions(tools: Iterable[Tool], write: Write = LAYOUT.write, result: str = RESULT) -> str:
    """What the system says of `tools`, and of how calls are written."""
    listed = {"type": "toolArray", "tools": [tool_fields(tool) for tool in tools]}
    examples = {name: write(calls) for name, calls in EXAMPLES.items()}
    return INSTRUCTIONS.format(tools=json.dumps(listed, ensure_ascii=False, indent=2), result=result, **examples)


def calls_as_text(calls: Iterable[ToolCall]) -> str:
    """Calls as the model is to write them."""
    return "\n".join(LAYOUT.write([(call.name, call.arguments)]) for call in calls)


def result_as_text(result: str) -> str:
    """What a function returned, as the user says it."""
    return f"{RESULT}{result}{END_OF_RESULT}"


def _instructed(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """The instructions end what the system says first, or are that."""
    first, *others = messages
    if first.role != "system":
        return (Message("system", text), *messages)
    return (Message("system", _joined([first.content, text], "\n\n"), name=first.name), *others)


def _without_calls(messages: Iterable[Message]) -> Iterator[Message]:
    """Calls become text, and results what the user says: those of several calls in one message."""
    for is_result, group in groupby(messages, lambda message: message.role == "tool"):
        if is_result:
            yield Message("user", _joined([_result(message) for message in group], "\n"))
        else:
            yield from map(_with_calls_in_text, group)


def _with_calls_in_text(message: Message) -> Message:
    if not message.tool_calls:
        return message
    said = [message.content] if message.content else []
    content = _joined([*said, calls_as_text(message.tool_calls)], "\n")
    return Message(message.role, content, name=message.name, reasoning=message.reasoning)


def _result(message: Message) -> str | tuple[Part, ...]:
    if isinstance(message.content, str):
        return result_as_text(message.content)
    return (Text(RESULT), *message.content, Text(END_OF_RESULT))


def _joined(contents: list[str | tuple[Part, ...]], separator: str) -> str | tuple[Part, ...]:
    """Texts one after the other; parts where there are parts among them."""
    texts = [content for content in contents if isinstance(content, str)]
    if len(texts) == len(contents):
        return separator.join(texts)
    parts: list[Part] = []
    for number, content in enumerate(contents):
        parts += [Text(separator)] if number else []
        parts += [Text(content)] if isinstance(content, str) else content
    return tuple(parts)
