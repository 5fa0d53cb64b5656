"""Requests for vectors or scores on their way through the model: inputs of all that wait share passes."""

import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest

from lms.engine.model import Embedder, Model
from lms.engine.prompts import LARGE_TEXT_CHARACTERS, check_tokens
from lms.errors import InvalidRequest, PromptTooLong, Unsupported
from lms.generation.events import Embedded, Ranked
from lms.generation.request import EmbedRequest, RankRequest

SEQUENCES_PER_PASS = 64

_SCORE = struct.Struct("<f")


Outcome = Embedded | Ranked


@dataclass(eq=False)
class Job:
    """One request: its inputs as tokens, the results that are ready, and what becomes of all of them with the number of
    tokens that they took.
    """

    uid: int
    inputs: list[list[int]]
    outcome: Callable[[list[bytes], int], Outcome]
    results: list[bytes] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return len(self.results) == len(self.inputs)

    def finished(self) -> Outcome:
        return self.outcome(self.results, sum(map(len, self.inputs)))


class EmbedQueue:
    """The requests that wait for vectors or scores, in the order of their arrival."""

    def __init__(self, model: Model, embedder: Embedder) -> None:
        self._model = model
        self._embedder = embedder
        self._jobs: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def insert(self, uid: int, request: EmbedRequest | RankRequest) -> None:
        """Queue a request. Raises PromptTooLong or InvalidRequest naming the input that cannot be read, and Unsupported
        where the model was trained for the other thing."""
        match request:
            case EmbedRequest(inputs):
                self._check_purpose(ranks=False)
                tokens = [self._tokens(f"input[{index}]", given) for index, given in enumerate(inputs)]
                self._jobs.append(Job(uid, tokens, _embedded))
            case RankRequest(query, documents):
                self._check_purpose(ranks=True)
                tokens = [self._pair(f"documents[{index}]", query, text) for index, text in enumerate(documents)]
                self._jobs.append(Job(uid, tokens, _ranked))

    def remove(self, uid: int) -> None:
        """Forget a request."""
        self._jobs = deque(job for job in self._jobs if job.uid != uid)

    def clear(self) -> list[int]:
        """Forget all requests and return their numbers."""
        uids = [job.uid for job in self._jobs]
        self._jobs.clear()
        return uids

    def step(self) -> list[tuple[int, Outcome]]:
        """Run one pass, and return the requests that it completed."""
        chosen = self._next_pass()
        results = self._embedder.embed([tokens for _, tokens in chosen]) if chosen else []
        for (job, _), result in zip(chosen, results, strict=True):
            job.results.append(result)
        done = [job for job in self._jobs if job.is_done]
        self._jobs = deque(job for job in self._jobs if not job.is_done)
        return [(job.uid, job.finished()) for job in done]

    def _next_pass(self) -> list[tuple[Job, list[int]]]:
        """As many inputs as fit one pass, an input of each request in turn: a short one never waits for a long one. One
        that is longer than that has a pass of its own."""
        chosen: list[tuple[Job, list[int]]] = []
        room = self._model.batch_tokens
        for job, tokens in self._in_turn():
            if (chosen and len(tokens) > room) or len(chosen) == SEQUENCES_PER_PASS:
                break
            room -= len(tokens)
            chosen.append((job, tokens))
        return chosen

    def _in_turn(self) -> Iterator[tuple[Job, list[int]]]:
        left = {job: islice(job.inputs, len(job.results), None) for job in self._jobs}
        for round_of_inputs in zip_longest(*left.values()):
            yield from ((job, tokens) for job, tokens in zip(left, round_of_inputs, strict=True) if tokens)

    def _check_purpose(self, *, ranks: bool) -> None:
        if self._embedder.ranks and not ranks:
            raise Unsupported(
                "This model ranks documents and makes no vectors.", hint="POST /v1/rerank asks it.", param="model"
            )
        if ranks and not self._embedder.ranks:
            raise Unsupported(
                "This model makes vectors and was not trained to rank documents.",
                hint="Load a reranker, whose file names the pooling “rank”, or compare vectors of /v1/embeddings.",
                param="model",
            )

    def _tokens(self, param: str, given: str | tuple[int, ...]) -> list[int]:
        vocabulary = self._model.vocabulary
        if isinstance(given, str):
            self._check_size(param, given)
            tokens = vocabulary.tokenize(given, add_special=True)
        else:
            check_tokens(given, len(vocabulary), param)
            tokens = list(given)
        if not tokens:
            raise InvalidRequest(f"“{param}” has no tokens.", param=param)
        self._check_length(param, len(tokens), f"“{param}” has")
        return tokens

    def _pair(self, param: str, query: str, document: str) -> list[int]:
        self._check_size("query", query)
        self._check_size(param, document)
        tokens = self._embedder.pair(query, document)
        self._check_length(param, len(tokens), f"“query” and “{param}” together have")
        return tokens

    def _check_size(self, param: str, text: str) -> None:
        """Refuse at a glance what is far too long, since no token spans two words; see `prompts.py`."""
        if len(text) > LARGE_TEXT_CHARACTERS:
            self._check_length(param, len(text.split()), f"“{param}” has at least")

    def _check_length(self, param: str, tokens: int, what: str) -> None:
        if tokens > self._model.context_length:
            raise PromptTooLong(
                f"{what} {tokens} tokens, and the model reads {self._model.context_length} at most.",
                hint="Split it into shorter texts.",
                param=param,
            )


def _embedded(vectors: list[bytes], prompt_tokens: int) -> Embedded:
    return Embedded(tuple(vectors), prompt_tokens)


def _ranked(scores: list[bytes], prompt_tokens: int) -> Ranked:
    return Ranked(tuple(score for (score,) in map(_SCORE.unpack, scores)), prompt_tokens)
