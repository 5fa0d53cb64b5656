"""Embedding requests on their way through the model: inputs of all waiting requests share passes."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest

from lms.engine.model import Embedder, Model
from lms.engine.prompts import LARGE_TEXT_CHARACTERS, check_tokens
from lms.errors import InvalidRequest, PromptTooLong
from lms.generation.events import Embedded
from lms.generation.request import EmbedRequest

SEQUENCES_PER_PASS = 64


@dataclass(eq=False)
class EmbedJob:
    """One request: its inputs as tokens, and the vectors that are ready."""

    uid: int
    inputs: list[list[int]]
    vectors: list[bytes] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return len(self.vectors) == len(self.inputs)

    def result(self) -> Embedded:
        return Embedded(tuple(self.vectors), sum(map(len, self.inputs)))


class EmbedQueue:
    """The requests that wait for vectors, in the order of their arrival."""

    def __init__(self, model: Model, embedder: Embedder) -> None:
        self._model = model
        self._embedder = embedder
        self._jobs: deque[EmbedJob] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def insert(self, uid: int, request: EmbedRequest) -> None:
        """Queue a request. Raises PromptTooLong or InvalidRequest naming the input that cannot be embedded."""
        self._jobs.append(EmbedJob(uid, [self._tokens(i, text) for i, text in enumerate(request.inputs)]))

    def remove(self, uid: int) -> None:
        """Forget a request."""
        self._jobs = deque(job for job in self._jobs if job.uid != uid)

    def clear(self) -> list[int]:
        """Forget all requests and return their numbers."""
        uids = [job.uid for job in self._jobs]
        self._jobs.clear()
        return uids

    def step(self) -> list[tuple[int, Embedded]]:
        """Run one pass, and return the requests that it completed."""
        chosen = self._next_pass()
        vectors = self._embedder.embed([tokens for _, tokens in chosen]) if chosen else []
        for (job, _), vector in zip(chosen, vectors, strict=True):
            job.vectors.append(vector)
        done = [job for job in self._jobs if job.is_done]
        self._jobs = deque(job for job in self._jobs if not job.is_done)
        return [(job.uid, job.result()) for job in done]

    def _next_pass(self) -> list[tuple[EmbedJob, list[int]]]:
        """As many inputs as fit one pass, an input of each request in turn: a short one never waits for a long one."""
        chosen: list[tuple[EmbedJob, list[int]]] = []
        room = self._model.batch_tokens
        for job, tokens in self._in_turn():
            if len(tokens) > room or len(chosen) == SEQUENCES_PER_PASS:
                break
            room -= len(tokens)
            chosen.append((job, tokens))
        return chosen

    def _in_turn(self) -> Iterator[tuple[EmbedJob, list[int]]]:
        left = {job: islice(job.inputs, len(job.vectors), None) for job in self._jobs}
        for round_of_inputs in zip_longest(*left.values()):
            yield from ((job, tokens) for job, tokens in zip(left, round_of_inputs, strict=True) if tokens)

    def _tokens(self, index: int, given: str | tuple[int, ...]) -> list[int]:
        vocabulary = self._model.vocabulary
        if isinstance(given, str):
            if len(given) > LARGE_TEXT_CHARACTERS:
                self._check(len(given.split()), index, "at least ")  # no token spans two words; see `prompts.py`
            tokens = vocabulary.tokenize(given, add_special=True)
        else:
            check_tokens(given, len(vocabulary))
            tokens = list(given)
        if not tokens:
            raise InvalidRequest("The text has no tokens.", param=f"input[{index}]")
        self._check(len(tokens), index)
        return tokens

    def _check(self, tokens: int, index: int, qualifier: str = "") -> None:
        if tokens > self._model.context_length:
            raise PromptTooLong(
                f"The text has {qualifier}{tokens} tokens, and the model embeds {self._model.context_length} at most.",
                hint="Split it into shorter texts.",
                param=f"input[{index}]",
            )
