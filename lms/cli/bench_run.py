"""Measures answers of a model: so many at once, each to a prompt that nobody has asked before.

As a client sees it: a first token has arrived when its chunk has. Every stream waits in a thread of its own, which
costs the measured program a little on a machine with few cores.
"""

import random
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from lms.cli import units
from lms.cli.chat_pieces import Ended, pieces
from lms.cli.session import Daemon
from lms.errors import EngineFailed

_WORDS = (
    "river stone window letter garden winter engine bridge candle forest market silver shadow music harbour paper "
    "mountain summer village ladder copper morning basket thunder meadow anchor pepper lantern orchard ribbon"
).split()
WARM_UP_TOKENS = 4


@dataclass(frozen=True)
class Wanted:
    """What each stream asks."""

    model: str
    prompt_words: int
    tokens: int

    def body(self, tokens: int) -> dict[str, Any]:
        """A request with a prompt of its own."""
        words = " ".join(random.choices(_WORDS, k=self.prompt_words))
        text = f"Tell a long story with these words: {words}"
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "stream": True,
            "temperature": 0,
            "max_tokens": tokens,
        }


@dataclass(frozen=True)
class Answer:
    """One stream. Times are in seconds of the monotonic clock."""

    asked_s: float
    first_s: float
    ended_s: float
    prompt_tokens: int
    tokens: int

    @property
    def waited_s(self) -> float:
        return self.first_s - self.asked_s

    @property
    def rate(self) -> float:
        """Tokens per second after the first; 0 for an answer of one token."""
        return (self.tokens - 1) / (self.ended_s - self.first_s) if self.tokens > 1 else 0.0


@dataclass(frozen=True)
class Figures:
    """What so many streams at once came to: medians of the streams, and what all wrote per second of the whole."""

    streams: int
    first_token_s: float
    slowest_first_token_s: float
    rate_each: float
    rate_all: float
    prompt_tokens: int
    tokens: int

    def cells(self) -> tuple[str, ...]:
        return (
            str(self.streams),
            units.elapsed(self.first_token_s),
            units.elapsed(self.slowest_first_token_s),
            f"{self.rate_each:.1f}",
            f"{self.rate_all:.1f}",
            str(self.prompt_tokens),
            str(self.tokens),
        )

    def shape(self) -> dict[str, Any]:
        return {
            "streams": self.streams,
            "timeToFirstTokenSec": self.first_token_s,
            "slowestTimeToFirstTokenSec": self.slowest_first_token_s,
            "tokensPerSecondEach": self.rate_each,
            "tokensPerSecondAll": self.rate_all,
            "promptTokensCount": self.prompt_tokens,
            "predictedTokensCount": self.tokens,
        }


def warm_up(daemon: Daemon, wanted: Wanted) -> None:
    """One answer that is not counted."""
    _answer(daemon, wanted, WARM_UP_TOKENS, threading.Barrier(1))


def measure(daemon: Daemon, wanted: Wanted, streams: int) -> Figures:
    """So many answers at once. Raises what the first fails with that does. What still runs then, or after Ctrl-C, ends
    with the process: whoever wants to leave does not wait for it.
    """
    begin = threading.Barrier(streams)
    outcomes: SimpleQueue[Answer | Exception] = SimpleQueue()
    for _ in range(streams):
        threading.Thread(target=_deliver, args=(daemon, wanted, begin, outcomes), daemon=True).start()
    answers = []
    for _ in range(streams):
        outcome = outcomes.get()
        if isinstance(outcome, Exception):
            raise outcome
        answers.append(outcome)
    return summed_up(answers)


def _deliver(
    daemon: Daemon, wanted: Wanted, begin: threading.Barrier, outcomes: "SimpleQueue[Answer | Exception]"
) -> None:
    try:
        outcomes.put(_answer(daemon, wanted, wanted.tokens, begin))
    except Exception as error:
        outcomes.put(error)


def summed_up(answers: Sequence[Answer]) -> Figures:
    """The figures of answers that were asked for together."""
    whole_s = max(answer.ended_s for answer in answers) - min(answer.asked_s for answer in answers)
    return Figures(
        len(answers),
        statistics.median(answer.waited_s for answer in answers),
        max(answer.waited_s for answer in answers),
        statistics.median(answer.rate for answer in answers),
        sum(answer.tokens for answer in answers) / whole_s,
        round(statistics.median(answer.prompt_tokens for answer in answers)),
        round(statistics.median(answer.tokens for answer in answers)),
    )


def _answer(daemon: Daemon, wanted: Wanted, tokens: int, begin: threading.Barrier) -> Answer:
    body = wanted.body(tokens)
    begin.wait()
    asked_s = time.monotonic()
    first_s = None
    with closing(daemon.chat(body)) as chunks:
        for piece in pieces(chunks):
            now_s = time.monotonic()
            first_s = first_s or now_s
            if isinstance(piece, Ended):
                return Answer(asked_s, first_s, now_s, piece.prompt_tokens, piece.predicted_tokens)
    raise EngineFailed("An answer broke off.", hint="lms log stream -s runtime may say why.")
