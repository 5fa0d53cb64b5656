"""A conversation as a chat template with its habits wants it. Pure."""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import takewhile

import msgspec

from lms.errors import InvalidRequest
from lms.generation.messages import Message, Part, Text, ToolCall
from lms.text.habits import Habits
from lms.text.toolcalls.family import Write

SHORT_ID_LENGTH = 9


def adapted(messages: Iterable[Message], habits: Habits, write: Write) -> tuple[Message, ...]:
    """`messages` as a template with these habits wants them."""
    turns = tuple(messages)
    if habits.system_first:
        turns = _with_later_system_in_user(turns)
    if habits.no_system:
        turns = _with_system_in_user(turns)
    if habits.calls_apart:
        turns = tuple(_apart(turns))
    if habits.one_call:
        turns = tuple(_one_by_one(turns))
    if habits.short_ids:
        turns = tuple(map(_with_short_ids, turns))
    if habits.no_calls:
        turns = tuple(_with_calls_in_text(message, write) for message in turns)
    return turns


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
