"""Calls that are JSON objects, as most families write them: `{"name": …, "arguments": {…}}`."""

import json
from dataclasses import dataclass

from lms.text.toolcalls.family import Arguments, Ended, NotACall, Reading, Started
from lms.text.toolcalls.incoming import Incoming


@dataclass
class _Seen:
    """What the members so far have said. `arguments` are those that came before the name, or were no object."""

    name: str | None = None
    id: str | None = None
    arguments: str | None = None
    is_open: bool = False


@dataclass(frozen=True)
class JsonCalls:
    """The keys of a call's members, which may come in any order; those of `others` are passed over, or all others.

    Arguments that are missing or null count as `{}`, and a string that holds an object as that object.
    """

    name: str = "name"
    arguments: tuple[str, ...] = ("arguments", "parameters")
    id: str = "id"
    others: tuple[str, ...] | None = None

    def one(self, incoming: Incoming) -> Reading[None]:
        """One call."""
        seen = _Seen()
        yield from incoming.take("{")
        while True:
            yield from self._member(incoming, seen)
            yield from incoming.space()
            if (yield from incoming.take(",", "}")) == "}":
                break
        if not seen.is_open:
            if seen.name is None:
                raise NotACall
            yield Started(seen.name, seen.id)
            yield Arguments(seen.arguments or "{}")
        yield Ended()

    def several(self, incoming: Incoming) -> Reading[None]:
        """An array of calls, or one call without an array."""
        yield from incoming.space()
        if not (yield from incoming.comes("[")):
            yield from self.one(incoming)
            return
        while True:
            yield from incoming.space()
            yield from self.one(incoming)
            yield from incoming.space()
            if (yield from incoming.take(",", "]")) == "]":
                return

    def _member(self, incoming: Incoming, seen: _Seen) -> Reading[None]:
        key = yield from _key(incoming)
        following = yield from incoming.peek()
        if key == self.name and seen.name is None:
            seen.name = incoming.known((yield from incoming.json_string()))
        elif key == self.id and following == '"':
            seen.id = yield from incoming.json_string()
        elif key in self.arguments and seen.name is not None and following == "{" and not seen.is_open:
            yield Started(seen.name, seen.id)
            seen.is_open = True
            yield from incoming.json_object()
        elif key in self.arguments:
            seen.arguments = _object((yield from incoming.json_value()))
        elif self.others is None or key in self.others:
            yield from incoming.json_value()
        else:
            raise NotACall


def named_call(incoming: Incoming, name: str, call_id: str | None = None) -> Reading[None]:
    """What follows the name of a call where that stands before its arguments: a JSON object."""
    yield from incoming.space()
    if (yield from incoming.peek()) != "{":
        raise NotACall
    yield Started(name, call_id)
    yield from incoming.json_object()
    yield Ended()


def _key(incoming: Incoming) -> Reading[str]:
    """A member's key, and all up to its value."""
    yield from incoming.space()
    key = yield from incoming.json_string()
    yield from incoming.space()
    yield from incoming.take(":")
    yield from incoming.space()
    return key


def _object(text: str) -> str:
    """The JSON text of an object: `text`, what a string holds, or `{}` for null."""
    value = json.loads(text)
    if isinstance(value, str):
        return _object_in(value)
    if value is None:
        return "{}"
    if not isinstance(value, dict):
        raise NotACall
    return text


def _object_in(text: str) -> str:
    try:
        if isinstance(json.loads(text.encode()), dict):
            return text
    except (ValueError, RecursionError) as error:
        raise NotACall from error
    raise NotACall
