"""What a chat template wants of a conversation beyond what all of them agree on: found out by trying it.

Some templates refuse a system message, more than one call in a message, or ids that are not of nine letters; worse,
some leave out in silence what does not come as they expect it: the calls of a message that has text as well, or whose
text is empty instead of null. So a model is shown small conversations when it is loaded, in one form after the other,
and the first form of which the most can be read in the prompt is the one that it gets.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import msgspec

from lms.errors import InvalidRequest, LmsError
from lms.generation.messages import Message, Part, Text, Tool, ToolCall
from lms.text.toolcalls.family import Write

SHORT_ID_LENGTH = 9


@dataclass(frozen=True)
class Habits:
    """Each says how a template departs from the form of the OpenAI API."""

    no_tools_is_empty: bool = False
    """It walks over the tools even when there are none."""
    in_parts: bool = False
    """What a message says is a list of parts, as templates of models that see have it, and never a text."""
    system_first: bool = False
    """It has a place for what the system says at the beginning only: later on, the user says it."""
    no_system: bool = False
    """It has no place for what the system says: that goes before what the user says first."""
    tools_in_system: bool = False
    """It reads the tools off the system message, as a text."""
    no_calls: bool = False
    """It leaves out calls: they go into the text of their message, as the model writes them."""
    null_content: bool = False
    """A message that holds nothing but calls has the text null."""
    short_ids: bool = False
    """The ids of calls are nine letters or digits."""
    one_call: bool = False
    """A message holds one call."""
    calls_apart: bool = False
    """A message with calls has no text."""


# What a template prints of some messages. Raises LmsError where it fails.
Render = Callable[[tuple[Message, ...], tuple[Tool, ...], Habits], str]


@dataclass(frozen=True)
class _Trial:
    """Words that ought to be found in the prompt for `messages`, and what may help if they are not."""

    messages: tuple[Message, ...]
    words: tuple[str, ...]
    remedies: tuple[dict[str, Any], ...]
    tools: tuple[Tool, ...] = ()


_TOOL = Tool("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]})
_USER = Message("user", "question")
_ANSWER = Message("assistant", "answer")
_SYSTEM = Message("system", "instruction")
_REMINDER = Message("system", "reminder")
_FIRST = ToolCall("call_0123456789abcdef", "look", '{"at": "first-thing"}')
_SECOND = ToolCall("call_fedcba9876543210", "look", '{"at": "second-thing"}')
_SAW_FIRST = Message("tool", "first-sight", tool_call_id=_FIRST.id, name="look")
_SAW_SECOND = Message("tool", "second-sight", tool_call_id=_SECOND.id, name="look")


def _calling(*turn: Message) -> tuple[Message, ...]:
    return (_USER, *turn, _ANSWER, _USER)


TRIALS = (
    _Trial((_USER,), ("question",), ({"no_tools_is_empty": True}, {"in_parts": True})),
    _Trial((_USER,), ("question", "look"), ({"tools_in_system": True},), (_TOOL,)),
    _Trial((_SYSTEM, _USER), ("instruction",), ({"no_system": True},)),
    _Trial(
        (_SYSTEM, _USER, _REMINDER, _ANSWER, _USER),
        ("instruction", "question", "reminder"),
        ({"system_first": True},),
    ),
    _Trial(
        _calling(Message("assistant", tool_calls=(_FIRST,)), _SAW_FIRST),
        ("first-thing", "first-sight"),
        (
            {"short_ids": True},
            {"null_content": True},
            {"no_calls": True},
        ),
        (_TOOL,),
    ),
    _Trial(
        _calling(Message("assistant", tool_calls=(_FIRST, _SECOND)), _SAW_FIRST, _SAW_SECOND),
        ("first-thing", "second-thing", "first-sight", "second-sight"),
        ({"one_call": True},),
        (_TOOL,),
    ),
    _Trial(
        _calling(Message("assistant", "remark", tool_calls=(_FIRST,), reasoning="thought"), _SAW_FIRST),
        ("first-thing", "first-sight", "remark"),
        ({"calls_apart": True},),
        (_TOOL,),
    ),
)


def habits_of(render: Render) -> Habits:
    """What the template behind `render` wants, by what it prints."""
    habits = Habits()
    for trial in TRIALS:
        habits = _best(trial, habits, render)
    return habits


def _best(trial: _Trial, habits: Habits, render: Render) -> Habits:
    """`habits`, with the first remedy that shows the most where they do not show all."""
    best, most = habits, _shown(trial, habits, render)
    for remedy in trial.remedies:
        if most == len(trial.words):
            break
        other = replace(habits, **remedy)
        shown = _shown(trial, other, render)
        if shown > most:
            best, most = other, shown
    return best


def _shown(trial: _Trial, habits: Habits, render: Render) -> int:
    try:
        text = render(trial.messages, trial.tools, habits)
    except LmsError:
        return -1
    return sum(word in text for word in trial.words)


def adapted(messages: Iterable[Message], habits: Habits, write: Write) -> tuple[Message, ...]:
    """`messages` as a template with these habits wants them."""
    adapted = tuple(messages)
    if habits.system_first:
        adapted = _with_later_system_in_user(adapted)
    if habits.no_system:
        adapted = _with_system_in_user(adapted)
    if habits.calls_apart:
        adapted = tuple(_apart(adapted))
    if habits.one_call:
        adapted = tuple(_one_by_one(adapted))
    if habits.short_ids:
        adapted = tuple(map(_with_short_ids, adapted))
    if habits.no_calls:
        adapted = tuple(_with_calls_in_text(message, write) for message in adapted)
    return adapted


def _with_later_system_in_user(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Together with what the user says before or after it, since such templates mostly insist on roles in turn."""
    beginning = tuple(takewhile(lambda message: message.role == "system", messages))
    later: list[Message] = []
    for message in messages[len(beginning) :]:
        if message.role == "system":
            message = msgspec.structs.replace(message, role="user")
        if later and message.role == later[-1].role == "user":
            message = _together(later.pop(), message)
        later.append(message)
    return (*beginning, *later)


def _together(first: Message, second: Message) -> Message:
    """Both as one, under the name of the first."""
    if isinstance(first.content, str) and isinstance(second.content, str):
        return msgspec.structs.replace(first, content=f"{first.content}\n\n{second.content}")
    return msgspec.structs.replace(first, content=(*_parts(first), Text("\n\n"), *_parts(second)))


def _parts(message: Message) -> tuple[Part, ...]:
    return (Text(message.content),) if isinstance(message.content, str) else message.content


def _with_system_in_user(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    said = "\n\n".join(text_of(message) for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    first = next((index for index, message in enumerate(others) if message.role == "user"), None)
    if not said or first is None:
        return messages
    others[first] = _after(said + "\n\n", others[first])
    return tuple(others)


def _after(text: str, message: Message) -> Message:
    """`message` with `text` before what it says."""
    content = message.content
    return msgspec.structs.replace(
        message, content=text + content if isinstance(content, str) else (Text(text), *content)
    )


def text_of(message: Message) -> str:
    """What it says, without its pictures."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, Text))


def _apart(messages: Iterable[Message]) -> Iterator[Message]:
    """What a message says before its calls becomes a message of its own; its reasoning led to the calls."""
    for message in messages:
        if message.tool_calls and message.content:
            yield msgspec.structs.replace(message, tool_calls=(), reasoning=None)
            message = msgspec.structs.replace(message, content="")
        yield message


def _one_by_one(messages: Iterable[Message]) -> Iterator[Message]:
    """Each call with its result after it; results that answer none of them come last."""
    waiting = deque(messages)
    while waiting:
        message = waiting.popleft()
        if len(message.tool_calls) < 2:
            yield message
            continue
        results = list(takewhile(lambda result: result.role == "tool", waiting))
        for _ in results:
            waiting.popleft()
        yield from _paired(message, results)


def _paired(message: Message, results: list[Message]) -> Iterator[Message]:
    first, *others = message.tool_calls
    yield msgspec.structs.replace(message, tool_calls=(first,))
    yield from _taken(first, results)
    for call in others:
        yield Message("assistant", tool_calls=(call,), name=message.name)
        yield from _taken(call, results)
    yield from results


def _taken(call: ToolCall, results: list[Message]) -> Iterator[Message]:
    """The result of `call`, taken out of `results`."""
    found = next((index for index, result in enumerate(results) if result.tool_call_id == call.id), None)
    if found is not None:
        yield results.pop(found)


def _with_short_ids(message: Message) -> Message:
    calls = tuple(msgspec.structs.replace(call, id=short_id(call.id)) for call in message.tool_calls)
    answered = message.tool_call_id
    return msgspec.structs.replace(message, tool_calls=calls, tool_call_id=short_id(answered) if answered else None)


def short_id(call_id: str) -> str:
    """`call_id` itself if it has nine letters or digits, otherwise always the same nine for it."""
    if len(call_id) == SHORT_ID_LENGTH and call_id.isalnum() and call_id.isascii():
        return call_id
    return hashlib.blake2b(call_id.encode(errors="replace")).hexdigest()[:SHORT_ID_LENGTH]


def _with_calls_in_text(message: Message, write: Write) -> Message:
    if not message.tool_calls:
        return message
    written = write([(call.name, _object(call)) for call in message.tool_calls])
    content = message.content
    if isinstance(content, str):
        said: str | tuple[Part, ...] = f"{content}\n{written}" if content else written
    else:
        said = (*content, Text(f"\n{written}"))
    return msgspec.structs.replace(message, content=said, tool_calls=())


def _object(call: ToolCall) -> str:
    """The arguments of a call that is to be written anew. Raises InvalidRequest unless they are a JSON object."""
    with suppress(ValueError, RecursionError):
        if isinstance(json.loads(call.arguments), dict):
            return call.arguments
    raise InvalidRequest(f"The arguments of a call of “{call.name}” are no JSON object.", param="messages")
