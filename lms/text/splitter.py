"""Splitting what a model writes into content, reasoning and tool calls, while it arrives.

    outside ──start of reasoning──▶ reasoning ──its end──▶ outside
    outside ──start of a call──▶ call ──its end──▶ outside

Whatever may be the beginning of a marker is held back until it is decided. A call is held back as a whole, because
only a whole one can be told from text: one that does not parse, or that the end of the answer cuts off, is passed on
as the text it was. White space after the end of reasoning or of a call is layout, and dropped.
"""

from collections.abc import Iterator

from lms.generation.events import Event, ReasoningDelta, TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.text.reasoning import Markers
from lms.text.search import Needles, Search
from lms.text.toolcalls.family import Family, ParsedCall


class Splitter:
    """Splits one answer. Without `reasoning` or `family`, those markers are text like any other.

    `inside_reasoning` says that the prompt has already opened the reasoning, `only_leading` that markers are text once
    content has begun: what is JSON may quote them. Each call takes an id from `ids`.
    """

    def __init__(
        self,
        reasoning: Markers | None,
        family: Family | None,
        ids: Iterator[str],
        *,
        inside_reasoning: bool = False,
        only_leading: bool = False,
    ) -> None:
        self._start_of_reasoning = reasoning.start if reasoning else None
        self._parse = family.parse if family else _no_calls
        self._ids = ids
        self._outside = Needles(part.start for part in (reasoning, family) if part)
        self._end_of_reasoning = Needles([reasoning.end] if reasoning else [])
        self._end_of_call = Needles([family.end] if family else [])
        self._call: list[str] = []  # the call that is being written, from its start marker on
        self._drop_space = False
        self._only_leading = only_leading
        self._has_begun = False
        self.calls = 0
        """How many calls there have been."""
        self.in_reasoning = inside_reasoning and reasoning is not None
        """Whether what comes next is reasoning, as far as can be told."""
        self._search = Search(self._end_of_reasoning if self.in_reasoning else self._outside)

    def feed(self, text: str) -> list[Event]:
        """The events that `text` decides."""
        events: list[Event] = []
        while True:
            found = self._search.feed(text)
            events += self._pass(found.passed)
            if found.match is None:
                return events
            events += self._cross(found.match)
            text = found.rest

    def flush(self) -> list[Event]:
        """The events that were held back, at the end of the answer."""
        events = self._pass(self._search.flush())
        cut_off, self._call = "".join(self._call), []
        return events + self._text(cut_off)

    def _pass(self, text: str) -> list[Event]:
        """`text` holds no marker: it is content, reasoning, or part of a call."""
        if self._call:
            self._call.append(text)
            return []
        if self.in_reasoning:
            return [ReasoningDelta(text)] if text else []
        return self._text(text)

    def _cross(self, marker: str) -> list[Event]:
        """`marker` has been written: go where it leads."""
        if self._only_leading and self._has_begun:
            return self._text(marker)
        if self._call:
            self._search = Search(self._outside)
            return self._finish_call(marker)
        if self.in_reasoning:
            self.in_reasoning, self._drop_space = False, True
            self._search = Search(self._outside)
        elif marker == self._start_of_reasoning:
            self.in_reasoning = True
            self._search = Search(self._end_of_reasoning)
        else:
            self._call = [marker]
            self._search = Search(self._end_of_call)
        return []

    def _finish_call(self, end: str) -> list[Event]:
        """The calls between the markers, or the markers and all as text when there is none."""
        (start, *body), self._call = self._call, []
        calls = self._parse("".join(body))
        if not calls:
            return self._text("".join((start, *body, end)))
        self._drop_space = True
        return [event for call in calls for event in self._announce(call)]

    def _announce(self, call: ParsedCall) -> tuple[Event, Event]:
        index, self.calls = self.calls, self.calls + 1
        return ToolCallStarted(index, next(self._ids), call.name), ToolArgumentsDelta(index, call.arguments)

    def _text(self, text: str) -> list[Event]:
        shown = text.lstrip() if self._drop_space else text
        self._drop_space = self._drop_space and not shown
        self._has_begun = self._has_begun or bool(shown.strip())
        return [TextDelta(shown)] if shown else []


def _no_calls(body: str) -> tuple[ParsedCall, ...]:
    return ()
