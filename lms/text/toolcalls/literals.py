"""Values that are written almost as JSON is, with strings, words or keys of another kind: JSON is made of them."""

import json
from dataclasses import dataclass
from string import hexdigits

from lms.text.toolcalls.family import Arguments, NotACall, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.parameters import json_of

DEEPEST_LEVELS = 64
# Escapes in Python's strings that JSON has as well, or others for.
ESCAPES = {**{character: f"\\{character}" for character in 'ntrbf\\"'}, "'": "'", "\n": ""}
CODES = {"u": (4, "\\u"), "x": (2, "\\u00")}


@dataclass(frozen=True)
class Literals:
    """Strings stand between two of the same of `quotes`; a backslash in them has Python's meaning if `has_escapes`.
    The keys of an object may stand between quotes."""

    quotes: tuple[str, ...]
    has_escapes: bool = False

    def members(self, incoming: Incoming, equals: str, end: str, levels: int = DEEPEST_LEVELS) -> Reading[None]:
        """The members of an object up to its `end`, each with `equals` between its key and its value."""
        if not levels:
            raise NotACall
        separator = "{"
        yield from incoming.space()
        while not (yield from incoming.comes(end)):
            if not (yield from incoming.peek()):
                raise NotACall
            yield Arguments(separator)
            yield from self._key(incoming, equals)
            yield Arguments(": ")
            separator = ", "
            yield from self._value(incoming, levels)
            yield from self._gap(incoming, end)
        yield Arguments("{}" if separator == "{" else "}")

    def _value(self, incoming: Incoming, levels: int) -> Reading[None]:
        yield from incoming.space()
        quote = yield from self._quote(incoming)
        if quote:
            yield from self._string(incoming, quote)
        elif (yield from incoming.comes("[")):
            yield from self._items(incoming, levels - 1)
        elif (yield from incoming.comes("{")):
            yield from self.members(incoming, ":", "}", levels - 1)
        else:
            word = yield from incoming.word()
            if not word or not (yield from incoming.peek()):
                raise NotACall
            yield Arguments(json_of(word, set()))

    def _items(self, incoming: Incoming, levels: int) -> Reading[None]:
        if not levels:
            raise NotACall
        separator = ""
        yield Arguments("[")
        yield from incoming.space()
        while not (yield from incoming.comes("]")):
            if not (yield from incoming.peek()):
                raise NotACall
            yield Arguments(separator)
            separator = ", "
            yield from self._value(incoming, levels)
            yield from self._gap(incoming, "]")
        yield Arguments("]")

    def _gap(self, incoming: Incoming, end: str) -> Reading[None]:
        """What stands between two values. Before the end there may be a comma as well."""
        yield from incoming.space()
        if not (yield from incoming.comes(",")) and (yield from incoming.peek()) != end:
            raise NotACall
        yield from incoming.space()

    def _key(self, incoming: Incoming, equals: str) -> Reading[None]:
        quote = yield from self._quote(incoming)
        if quote:
            yield from self._string(incoming, quote)
            yield from incoming.space()
            yield from incoming.take(equals)
        else:
            yield Arguments(f'"{_escaped((yield from incoming.until(equals)).strip())}"')

    def _quote(self, incoming: Incoming) -> Reading[str]:
        """The quote that comes next, if one does."""
        for quote in self.quotes:
            if (yield from incoming.comes(quote)):
                return quote
        return ""

    def _string(self, incoming: Incoming, quote: str) -> Reading[None]:
        if not self.has_escapes:
            yield from incoming.string_until(quote)
            return
        yield Arguments('"')
        while not (yield from incoming.comes(quote)):
            if (yield from incoming.comes("\\")):
                yield Arguments((yield from _escape(incoming)))
            else:
                yield Arguments(_escaped((yield from incoming.stretch(f"\\{quote}"))))
        yield Arguments('"')


def _escape(incoming: Incoming) -> Reading[str]:
    """In JSON, what a backslash and the characters after it are in Python; one that has no meaning is itself."""
    character = yield from incoming.character()
    if character not in CODES:
        return ESCAPES.get(character, _escaped(f"\\{character}"))
    length, escape = CODES[character]
    for _ in range(length):
        digit = yield from incoming.character()
        if digit not in hexdigits:
            raise NotACall
        escape += digit
    return escape


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
