"""How likely the model found the tokens of a text, and which piece of the text each of them belongs to.

Logarithms are those of the model's own distribution: of its logits before biases, penalties, temperature, constraints
and whatever else changes how a token is drawn. Computed only where they are asked for: 1 ms for 152,000 tokens.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lms.engine.model import Likelihood
from lms.generation.events import Event, ReasoningDelta, TextDelta, TokenLogprob, ToolArgumentsDelta, ToolCallStarted
from lms.text.utf8 import TextAssembler

# What OpenAI writes for "next to impossible": JSON has no minus infinity.
LEAST_LOGPROB = -9999.0


def likelihood(logits: NDArray[np.float32], token: int, most: int) -> Likelihood:
    """Of `token`, and of the `most` likeliest tokens beside it, by the model's logits for one place."""
    largest = logits.max()
    total = float(largest) + float(np.log(np.exp(logits - largest, dtype=np.float64).sum()))
    top = _likeliest(logits, most)
    return Likelihood(_bounded(logits[token] - total), tuple((each, _bounded(logits[each] - total)) for each in top))


def _likeliest(logits: NDArray[np.float32], most: int) -> list[int]:
    """The likeliest first; of equally likely ones that with the smaller id."""
    if most == 0:
        return []
    found = np.argpartition(logits, -min(most, len(logits)))[-most:]
    return [int(token) for token in found[np.lexsort((found, -logits[found]))]]


def _bounded(logprob: float) -> float:
    return max(float(logprob), LEAST_LOGPROB)


class Margin:
    """Notes the tokens of a text in its margin, and moves each to the piece of the text that its first character is in.

    Pieces come later than tokens: half characters, beginnings of stop strings and of markers are held back. What is
    dropped between pieces, markers and what is no content, takes its tokens along.
    """

    def __init__(self) -> None:
        self._characters = TextAssembler()
        self._text = ""  # what the noted tokens spell
        self._notes: list[_Note] = []

    def note(self, token: TokenLogprob) -> None:
        """The next token of the text."""
        start = len(self._text)
        self._text += self._characters.feed(token.token)
        self._notes.append(_Note(start, len(self._text), token))

    def moved(self, events: Iterable[Event]) -> list[Event]:
        """The same events, the pieces of content among them with their tokens."""
        return [self._with_tokens(event) for event in events]

    def left(self) -> tuple[TokenLogprob, ...]:
        """The tokens that belong to no piece yet: at the end of the text, those that spell nothing."""
        left, self._notes = self._notes, []
        return tuple(note.token for note in left)

    def _with_tokens(self, event: Event) -> Event:
        match event:
            case TextDelta(text):
                return TextDelta(text, self._take(text))
            case ReasoningDelta(text):
                self._take(text)
            case ToolCallStarted() | ToolArgumentsDelta():
                self._cut(len(self._text))
        return event

    def _take(self, piece: str) -> tuple[TokenLogprob, ...]:
        """The tokens of `piece`, which comes next in the text but for what is dropped before it."""
        start = max(self._text.find(piece), 0)
        end = start + len(piece)
        taken = tuple(note.token for note in self._notes if note.begins_in(start, end))
        self._cut(end)
        return taken

    def _cut(self, end: int) -> None:
        self._text = self._text[end:]
        self._notes = [_Note(note.start - end, note.end - end, note.token) for note in self._notes if note.start >= end]


class _Note(NamedTuple):
    """A token, and where in the text it stands. One that completes no character stands before the next one."""

    start: int
    end: int
    token: TokenLogprob

    def begins_in(self, start: int, end: int) -> bool:
        """Whether it is a token of the piece from `start` to `end`, of which another piece has not taken it."""
        return self.start < end and (self.end > start or self.start >= start)
