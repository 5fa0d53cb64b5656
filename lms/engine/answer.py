"""One answer on its way from tokens to events: characters, stop strings, reasoning and tool calls, and its figures.

Pure but for what it is told: times come in as seconds of one steady clock.
"""

import itertools
import secrets
from collections.abc import Iterator
from collections.abc import Sequence as Tokens
from itertools import zip_longest
from typing import TYPE_CHECKING

from lms.engine.logprobs import Margin
from lms.engine.model import Likelihood
from lms.errors import LmsError
from lms.generation.events import (
    Alternative,
    Drafts,
    Event,
    Finished,
    PromptProgress,
    Stats,
    StopReason,
    TextDelta,
    TokenLogprob,
    Usage,
)
from lms.generation.request import GenerateRequest
from lms.text.stops import StopStrings
from lms.text.utf8 import TextAssembler

if TYPE_CHECKING:
    from lms.engine.prompts import Prepared


class Answer:
    """`room` is for so many tokens behind the prompt; `draft_model` is the key of the one that may guess."""

    def __init__(
        self, request: GenerateRequest, prepared: "Prepared", room: int, arrived_s: float, draft_model: str | None
    ) -> None:
        wanted = request.max_tokens
        self._limit = room if wanted is None else min(room, wanted)
        self._limit_reason: StopReason = (
            "maxPredictedTokensReached" if wanted is not None and wanted <= room else "contextLengthReached"
        )
        self._vocabulary = prepared.vocabulary
        self._characters = TextAssembler()
        self._stops = StopStrings(request.stop)
        self._splitter = prepared.splitter
        self._margin = None if request.logprobs is None else Margin()
        self._written: list[str] = []
        self._prompt = prepared.tokens
        self._echo = prepared.echo
        self._echoed: list[Likelihood] = []
        self._truncated_tokens = prepared.truncated_tokens
        self._cached = 0
        self._tokens = 0
        self._reasoning_tokens = 0
        self._drafts = Drafts()
        self._draft_model = draft_model
        self._guide = prepared.guide
        self._arrived_s = arrived_s
        self._first_token_s: float | None = None
        self.finished = False
        self.error: LmsError | None = None
        """Why the answer could not go on as it was asked for, if it could not."""

    @property
    def text(self) -> str:
        """All that was written, markers included."""
        return "".join(self._written)

    @property
    def tokens(self) -> int:
        """So many were written."""
        return self._tokens

    @property
    def context_tokens(self) -> int:
        """Prompt and answer."""
        return len(self._prompt) + self._tokens

    def progressed(self, processed: int, total: int, cached: int) -> list[Event]:
        """The events of a step through the prompt."""
        self._cached = cached
        return [PromptProgress(processed, total, cached)]

    def measured(self, likelihoods: Tokens[Likelihood]) -> None:
        """So likely were the next tokens of the prompt, from its second one on."""
        self._echoed += likelihoods

    def rolled(self, left_out: int) -> None:
        """The model forgot so many tokens to go on."""
        self._truncated_tokens += left_out

    def sampled(
        self, tokens: Tokens[int], drafted: int, now_s: float, likelihoods: Tokens[Likelihood] = ()
    ) -> list[Event]:
        """The events of the next tokens, up to the last of the answer and `Finished` if it is among them.

        All but the last of the tokens are those that were right of a draft of `drafted`.
        """
        events: list[Event] = []
        if self._first_token_s is None:
            self._first_token_s = now_s
            events += self._begin()
        if self._limit == 0:
            return events + self.finish(self._limit_reason, now_s)
        self._drafts = self._drafts.with_draft(drafted, len(tokens) - 1)
        for token, likelihood in zip_longest(tokens, likelihoods):
            if not self.finished:
                events += self._take(token, likelihood, now_s)
        if self._guide and self._guide.is_over and not self.finished:
            events += self.finish("eosFound", now_s)
        return events

    def _begin(self) -> list[Event]:
        """The prompt, if the answer is to begin with it."""
        if not self._echo:
            return []
        if not self._margin:
            return [TextDelta(self._echo)]
        spelled = map(self._vocabulary.spelling, self._prompt)
        return [TextDelta(self._echo, tuple(map(self._told, spelled, [None, *self._echoed])))]

    def _take(self, token: int, likelihood: Likelihood | None, now_s: float) -> list[Event]:
        if self._vocabulary.is_end(token):
            self.error = self._guide.error if self._guide else None
            *events, finished = self.finish("failed" if self.error else "eosFound", now_s)
            ended = [TextDelta("", (self._told(b"", likelihood),))] if self._margin else []
            return [*events, *ended, finished]
        self._tokens += 1
        piece = self._vocabulary.piece(token)
        if self._margin:
            self._margin.note(self._told(piece, likelihood))
        events = self._pass(self._characters.feed(piece))
        self._reasoning_tokens += self._splitter.in_reasoning
        if self._stops.hit is not None:
            return events + self.finish("stopStringFound", now_s)
        if self._splitter.is_over:
            return events + self.finish("eosFound", now_s)
        if self._tokens == self._limit:
            return events + self.finish(self._limit_reason, now_s)
        return events

    def finish(self, reason: StopReason, now_s: float) -> list[Event]:
        """What was held back, then `Finished`."""
        self.finished = True
        events = self._pass(self._characters.flush())
        events += self._split(self._stops.flush()) + self._with_tokens(self._splitter.flush())
        if self._splitter.calls and reason == "eosFound":
            reason = "toolCalls"
        return [*events, Finished(reason, self._usage(), self._stats(now_s), self._stops.hit)]

    def _pass(self, text: str) -> list[Event]:
        return self._split(self._stops.feed(text)) if text else []

    def _split(self, text: str) -> list[Event]:
        if not text:
            return []
        self._written.append(text)
        return self._with_tokens(self._splitter.feed(text))

    def _with_tokens(self, events: list[Event]) -> list[Event]:
        return self._margin.moved(events) if self._margin else events

    def _told(self, token: bytes, likelihood: Likelihood | None) -> TokenLogprob:
        if likelihood is None:
            return TokenLogprob(token, None)
        top = tuple(Alternative(self._vocabulary.spelling(other), logprob) for other, logprob in likelihood.top)
        return TokenLogprob(token, likelihood.logprob, top)

    def _usage(self) -> Usage:
        return Usage(len(self._prompt), self._tokens, self._cached, self._reasoning_tokens)

    def _stats(self, now_s: float) -> Stats:
        """`tokens_per_second` is the answer's tokens over the time since the first of them was drawn."""
        first_s = now_s if self._first_token_s is None else self._first_token_s
        generation_s = now_s - first_s
        rate = self._tokens / generation_s if generation_s > 0 else 0.0
        waited_s = first_s - self._arrived_s
        return Stats(rate, waited_s, generation_s, self._drafts, self._draft_model, self._truncated_tokens)


def tool_call_ids() -> Iterator[str]:
    """Ids as LM Studio makes them: nine digits, different within an answer."""
    first = 100_000_000 + secrets.randbelow(800_000_000)
    return (str(number) for number in itertools.count(first, 7919))
