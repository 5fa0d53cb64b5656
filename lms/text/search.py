"""Finding the first of several strings in a text that arrives in pieces.

An Aho–Corasick automaton (Communications of the ACM 18(6), 1975): the cost is linear in the text however long the
strings are, and the depth of its state says exactly how much of the end of the text must be held back. A loop over
characters in Python, which is meant for what a model writes, not for megabytes.
"""

from collections.abc import Iterable
from typing import NamedTuple

_ROOT = 0


class Needles:
    """The automaton for some strings. Immutable once built; empty strings are left out.

    The first match is the one that is complete first. Of several that are complete at the same character the longest
    counts. So a match never waits for what comes later, and does not depend on how the text is cut into pieces.
    """

    def __init__(self, strings: Iterable[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._shorter: list[int] = [_ROOT]
        self.depth: list[int] = [0]
        self.match: list[str | None] = [None]
        for string in filter(None, strings):
            self._insert(string)
        self._link()

    def step(self, state: int, character: str) -> int:
        """The state after `character`: the longest end of the text that begins one of the strings."""
        while character not in self._next[state]:
            if state == _ROOT:
                return _ROOT
            state = self._shorter[state]
        return self._next[state][character]

    def _insert(self, string: str) -> None:
        state = _ROOT
        for character in string:
            if character not in self._next[state]:
                self._next[state][character] = len(self._next)
                self._next.append({})
                self._shorter.append(_ROOT)
                self.depth.append(self.depth[state] + 1)
                self.match.append(None)
            state = self._next[state][character]
        self.match[state] = string

    def _link(self) -> None:
        """Give each state its longest shorter one, and the match of that one if it has none of its own."""
        level = list(self._next[_ROOT].values())
        while level:
            below = []
            for state in level:
                for character, child in self._next[state].items():
                    self._shorter[child] = self.step(self._shorter[state], character)
                    self.match[child] = self.match[child] or self.match[self._shorter[child]]
                    below.append(child)
            level = below


class Found(NamedTuple):
    """What one piece of text brought: `passed` belongs to no match, and `rest` is what followed `match` in it."""

    passed: str
    match: str | None = None
    rest: str = ""


class Search:
    """One pass over one text. Holds back the end of the text for as long as it may be the beginning of a match."""

    def __init__(self, needles: Needles) -> None:
        self._needles = needles
        self._state = _ROOT
        self._held = ""

    def feed(self, text: str) -> Found:
        """What can be said now that `text` has come. After a match the search begins anew; `rest` was not looked at."""
        needles, state = self._needles, self._state
        for position, character in enumerate(text, 1):
            state = needles.step(state, character)
            match = needles.match[state]
            if match is not None:
                before = (self._held + text[:position])[: -len(match)]
                self._state, self._held = _ROOT, ""
                return Found(before, match, text[position:])
        seen = self._held + text
        undecided = len(seen) - needles.depth[state]
        self._state, self._held = state, seen[undecided:]
        return Found(seen[:undecided])

    def flush(self) -> str:
        """What was held back, at the end of the text."""
        held, self._state, self._held = self._held, _ROOT, ""
        return held
