"""The text of an answer from the start marker of a call on, as far as it has come: what readers of families read.

Each method is a generator (see `family.Reading`), to be used with `yield from`. It waits for as much text as it takes
to decide, and raises `NotACall` when what comes is something else, or when the answer ends before.
"""

import json
from collections.abc import Mapping

from lms.generation.messages import Tool
from lms.text.search import Needles, Search
from lms.text.toolcalls.family import Arguments, NotACall, Reading
from lms.text.toolcalls.json_end import LITERAL, JsonEnd

SPACE = " \t\r\n"


class Incoming:
    """`tools` are the functions that may be called, by their names."""

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        self.tools = tools
        self._text = ""
        self._taken = 0
        self._is_whole = False

    def feed(self, text: str) -> None:
        """More of the answer."""
        self._text += text

    def end(self) -> None:
        """The answer has ended."""
        self._is_whole = True

    def commit(self) -> None:
        """What was taken so far belongs to a call."""
        self._text, self._taken = self._text[self._taken :], 0

    @property
    def uncommitted(self) -> str:
        """All that came after what belongs to a call."""
        return self._text

    def peek(self) -> Reading[str]:
        """The next character, which is not taken. Empty at the end of the answer."""
        while self._taken == len(self._text):
            if self._is_whole:
                return ""
            yield None
        return self._text[self._taken]

    def comes(self, text: str) -> Reading[bool]:
        """Whether `text` comes next. It is taken if so."""
        while True:
            here = self._text[self._taken : self._taken + len(text)]
            if here == text:
                self._taken += len(text)
                return True
            if self._is_whole or not text.startswith(here):
                return False
            yield None

    def take(self, *texts: str) -> Reading[str]:
        """Take the first of `texts` that comes next. One that begins another stands behind it."""
        for text in texts:
            if (yield from self.comes(text)):
                return text
        raise NotACall

    def space(self) -> Reading[None]:
        """Take white space, if there is any."""
        while (character := (yield from self.peek())) and character in SPACE:
            self._taken += 1

    def until(self, *ends: str) -> Reading[str]:
        """What stands before the first of `ends`, which is taken too."""
        text = ""
        search = Search(Needles(ends))
        while True:
            yield from self._some()
            found = search.feed(self._text[self._taken :])
            self._taken = len(self._text) - len(found.rest)
            text += found.passed
            if found.match is not None:
                return text

    def stretch(self, stops: str) -> Reading[str]:
        """As much as has come before any of the characters `stops`."""
        yield from self._some()
        coming = self._text[self._taken :]
        size = next((size for size, character in enumerate(coming) if character in stops), len(coming))
        self._taken += size
        return coming[:size]

    def word(self) -> Reading[str]:
        """The letters, digits and signs that come next, as numbers are made of, true, false and null."""
        text = ""
        while (character := (yield from self.peek())) and character in LITERAL:
            self._taken += 1
            text += character
        return text

    def string_until(self, *ends: str) -> Reading[None]:
        """What stands before the first of `ends`, which is taken too: passed on as it comes, as a JSON string."""
        search = Search(Needles(ends))
        opening = '"'
        while True:
            yield from self._some()
            found = search.feed(self._text[self._taken :])
            self._taken = len(self._text) - len(found.rest)
            closing = "" if found.match is None else '"'
            yield Arguments(opening + json.dumps(found.passed, ensure_ascii=False)[1:-1] + closing)
            if closing:
                return
            opening = ""

    def name(self, *ends: str) -> Reading[str]:
        """The name of one of the functions, without the white space around it, up to one of `ends`."""
        longest = max(map(len, self.tools), default=0)
        text = ""
        while True:
            for end in ends:
                if (yield from self.comes(end)):
                    return self.known(text.strip())
            character = yield from self.character()
            text += character
            if len(text.strip()) > longest:
                raise NotACall

    def known(self, name: str) -> str:
        """`name`, if it is the name of one of the functions."""
        if name not in self.tools:
            raise NotACall
        return name

    def json_string(self) -> Reading[str]:
        """A JSON string, decoded."""
        if (yield from self.peek()) != '"':
            raise NotACall
        text = yield from self.json_value()
        decoded = _decoded(text)
        assert isinstance(decoded, str)
        return decoded

    def json_value(self) -> Reading[str]:
        """The text of any JSON value. A number, true, false or null ends before what cannot belong to it."""
        end, text = JsonEnd(), ""
        while not end.is_reached:
            if not (yield from self.peek()) and end.may_be_here:
                break
            yield from self._some()
            text += self._value(end)
        _decoded(text)
        return text

    def json_object(self) -> Reading[None]:
        """An object as the arguments of the call: they are passed on as they come.

        Only its brackets and strings are followed. What is wrong within is for those to see who use the arguments.
        """
        if (yield from self.peek()) != "{":
            raise NotACall
        end = JsonEnd()
        while not end.is_reached:
            yield from self._some()
            yield Arguments(self._value(end))

    def _value(self, end: JsonEnd) -> str:
        coming = self._text[self._taken :]
        text, size = end.feed(coming)
        self._taken += size
        return text

    def character(self) -> Reading[str]:
        """The next character."""
        yield from self._some()
        self._taken += 1
        return self._text[self._taken - 1]

    def _some(self) -> Reading[None]:
        """Wait until there is something to take."""
        if not (yield from self.peek()):
            raise NotACall


def _decoded(text: str) -> object:
    """The value. Halves of characters, which JSON's escapes can spell, could not be sent."""
    try:
        value = json.loads(text)
        if isinstance(value, str):
            value.encode()
    except (ValueError, RecursionError) as error:
        raise NotACall from error
    return value
