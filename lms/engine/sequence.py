"""One sequence of tokens on its way through the model: its prompt, what was generated, and how far it is processed."""

from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field

from lms.engine.model import Chunk, Sampler


@dataclass(eq=False)
class Sequence:
    """`tokens` grows with every token drawn; the first `processed` of them are in the memory of `slot`.

    `cached` of the prompt's tokens were found there and not processed again, `told` of them have been reported.
    `marks` are numbers of tokens after which a chunk ends, because what is in memory then is to be stored.
    """

    uid: int
    tokens: list[int]
    sampler: Sampler
    prompt_length: int = 0
    processed: int = 0
    cached: int = 0
    told: int = -1
    slot: int = -1
    marks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prompt_length = len(self.tokens)

    @property
    def pending(self) -> int:
        """Tokens not yet processed."""
        return len(self.tokens) - self.processed

    @property
    def is_decoding(self) -> bool:
        """Whether all that is pending is the token drawn last."""
        return self.pending == 1 and len(self.tokens) > self.prompt_length

    def chunk(self, most: int) -> Chunk:
        """The next `most` pending tokens, up to a mark; it asks for a token when nothing is pending after it."""
        marks = (mark for mark in self.marks if mark > self.processed)
        end = min(self.processed + most, *marks, len(self.tokens))
        return Chunk(self.slot, self.processed, tuple(self.tokens[self.processed : end]), end == len(self.tokens))

    def begin(self, slot: int, held: int) -> None:
        """Run in `slot`, which holds the first `held` tokens already."""
        self.slot, self.processed = slot, held
        if self.told < 0:
            self.told, self.cached = held, held

    def advance(self, held: Tokens[int], drawn: Tokens[int]) -> None:
        """Memory holds `held` too now, the drawn tokens but the last among them."""
        self.processed += len(held)
        self.tokens += drawn

    def put_off(self) -> None:
        """Run no more for now, and hold nothing."""
        self.slot, self.processed = -1, 0
