"""Splitting what a model writes into content, reasoning and tool calls, while it arrives.

    outside ──start of reasoning──▶ reasoning ──its end──▶ outside
    outside ──start of calls──▶ region ──its reader is done, or finds no call──▶ outside

Whatever may be the beginning of a marker is held back until it is decided, and so is a call until it is sure that it is
one (see `toolcalls.family`). What is none is passed on as the text it was. White space after the end of reasoning or of
a call is layout, and dropped, and so is white space before a call that nothing else comes before; so is what the end of
the answer cuts off behind the arguments of a call.
"""

from collections.abc import Iterator, Sequence

from lms.generation.events import Event, ReasoningDelta, TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.generation.messages import Tool
from lms.text.reasoning import Markers
from lms.text.search import Needles, Search
from lms.text.toolcalls.family import Arguments, Ended, Family, Over, Started, Step
from lms.text.toolcalls.region import Region


class Splitter:
    """Splits one answer. Without `reasoning` or `family`, those markers are text like any other.

    `inside_reasoning` says that the prompt has already opened the reasoning, `inline` that reasoning is passed on as
    text, markers and all, and `only_leading` that markers are text once content has begun: what is JSON may quote them.
    Calls are of `tools`, and take an id from `ids` where the model gives them none; unless `parallel`, the answer is
    over with the first of them.
    """

    def __init__(
        self,
        reasoning: Markers | None,
        family: Family | None,
        ids: Iterator[str],
        tools: Sequence[Tool] = (),
        *,
        inside_reasoning: bool = False,
        inline: bool = False,
        only_leading: bool = False,
        parallel: bool = True,
    ) -> None:
        self._reasoning = reasoning
        self._inline = inline
        self._family = family
        self._tools = {tool.name: tool for tool in tools}
        self._ids = ids
        self._used_ids: set[str] = set()
        self._outside = Needles(_markers(reasoning, family))
        self._end_of_reasoning = Needles([reasoning.end] if reasoning else [])
        self._region: Region | None = None
        self._drop_space = False
        self._blank = ""  # white space that the answer began with, where there may be calls
        self._only_leading = only_leading
        self._has_begun = False
        self._parallel = parallel
        self.calls = 0
        """How many calls there have been."""
        self.in_reasoning = inside_reasoning and reasoning is not None
        """Whether what comes next is reasoning, as far as can be told."""
        self.is_over = False
        """Whether the answer ends here, whatever the model would write."""
        self._search = Search(self._end_of_reasoning if self.in_reasoning else self._outside)

    def feed(self, text: str) -> list[Event]:
        """The events that `text` decides."""
        events: list[Event] = []
        while text and not self.is_over:
            more, text = self._read_calls(self._region, text) if self._region else self._look(text)
            events += more
        return events

    def flush(self) -> list[Event]:
        """The events that were held back, at the end of the answer."""
        events = self._pass(self._search.flush())
        if self._region and not self.is_over:
            events += self._pass_on(self._region.end())
            events += [] if self._region.has_calls else self._text(self._region.rest)
        return events + ([TextDelta(self._blank)] if self._blank and not self.calls else [])

    def _look(self, text: str) -> tuple[list[Event], str]:
        """The events up to the next marker, and what follows it."""
        found = self._search.feed(text)
        events = self._pass(found.passed)
        return events + (self._cross(found.match) if found.match is not None else []), found.rest

    def _pass(self, text: str) -> list[Event]:
        """`text` holds no marker: it is content or reasoning."""
        if self.in_reasoning:
            return self._thought(text)
        return self._text(text)

    def _thought(self, text: str) -> list[Event]:
        if not self._inline:
            return [ReasoningDelta(text)] if text else []
        shown, self._blank = self._blank + text, ""
        return [TextDelta(shown)] if shown else []

    def _cross(self, marker: str) -> list[Event]:
        """`marker` has been written: go where it leads."""
        if self._has_begun and (self._only_leading or self._is_leading(marker)):
            return self._text(marker)
        if self.in_reasoning or (self._reasoning and marker == self._reasoning.start):
            return self._turn(marker)
        if self._reasoning and marker in self._reasoning.layout:
            self._has_begun = False
        elif self._family:
            self._region = Region(self._family, self._tools, marker)
        return []

    def _turn(self, marker: str) -> list[Event]:
        """Into reasoning, or out of it."""
        self.in_reasoning = not self.in_reasoning
        self._search = Search(self._end_of_reasoning if self.in_reasoning else self._outside)
        self._drop_space = not self.in_reasoning and not self._inline
        return self._thought(marker) if self._inline else []

    def _is_leading(self, marker: str) -> bool:
        """Whether `marker` counts only where content begins."""
        return self._family is not None and marker in self._family.leading

    def _read_calls(self, region: Region, text: str) -> tuple[list[Event], str]:
        """The events of `text` as far as it belongs to the region, and what follows that."""
        events = self._pass_on(region.feed(text))
        if not region.is_over:
            return events, ""
        self._region = None
        if region.has_calls:
            self._drop_space, self._blank = True, ""
            self.is_over = self.is_over or not self._parallel
            return events, region.rest
        return self._text(region.start), region.rest.removeprefix(region.start)

    def _pass_on(self, steps: list[Step]) -> list[Event]:
        """The events of what a reader has found."""
        events: list[Event] = []
        for step in steps:
            match step:
                case Started(name, given_id):
                    events.append(ToolCallStarted(self.calls, self._id(given_id), name))
                    self.calls += 1
                case Arguments(text) if text:
                    events.append(ToolArgumentsDelta(self.calls - 1, text))
                case Ended() if not self._parallel:
                    self.is_over = True
                    return events
                case Over():
                    self.is_over = True
        return events

    def _id(self, given: str | None) -> str:
        """The id that the model gave, if it is one."""
        chosen = given if given and given not in self._used_ids else next(self._ids)
        self._used_ids.add(chosen)
        return chosen

    def _text(self, text: str) -> list[Event]:
        shown = self._blank + (text.lstrip() if self._drop_space else text)
        self._drop_space = self._drop_space and not shown
        waits = self._family is not None and not self._has_begun and not shown.strip()
        self._blank = shown if waits else ""
        self._has_begun = self._has_begun or bool(shown.strip())
        return [TextDelta(shown)] if shown and not waits else []


def _markers(reasoning: Markers | None, family: Family | None) -> Iterator[str]:
    """All that may be found in content."""
    if reasoning:
        yield reasoning.start
        yield from reasoning.layout
    if family:
        yield from family.starts
        yield from family.leading
