"""A budget for reasoning: once it is spent the end of the reasoning is dictated, and the answer goes on from there."""

from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as Tokens

from lms.text.reasoning import Markers
from lms.text.search import Needles, Search
from lms.text.utf8 import TextAssembler


class ReasoningBudget:
    """Implements `Dictation` for one answer. `piece` gives the bytes of a token, `closing` are what ends reasoning.

    `inside` says that the prompt has opened the reasoning already. Reasoning that is begun again finds the same budget.
    """

    def __init__(
        self, tokens: int, markers: Markers, closing: Tokens[int], piece: Callable[[int], bytes], *, inside: bool
    ) -> None:
        self._left = tokens
        self._closing = deque(closing)
        self._dictating = self._closing.copy()
        self._piece = piece
        self._inside = inside
        self._starts, self._ends = Needles([markers.start]), Needles([markers.end])
        self._search = Search(self._ends if inside else self._starts)
        self._characters = TextAssembler()

    @property
    def dictated(self) -> int | None:
        return self._dictating[0] if self._inside and self._left <= 0 and self._dictating else None

    def take(self, token: int) -> None:
        if token == self.dictated:
            self._dictating.popleft()
        elif self._inside:
            self._left -= 1
        text = self._characters.feed(self._piece(token))
        while (found := self._search.feed(text)).match is not None:
            self._cross()
            text = found.rest

    def _cross(self) -> None:
        """A marker has been written. What is still to be dictated behind the end is layout, and left to the model."""
        self._inside = not self._inside
        self._search = Search(self._ends if self._inside else self._starts)
        self._dictating = self._closing.copy()
