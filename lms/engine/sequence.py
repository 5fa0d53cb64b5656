"""One sequence of tokens on its way through the model: its prompt, what was generated, and how far it is processed."""

from dataclasses import dataclass, field

from lms.engine.model import Chunk, Sampler


@dataclass(eq=False)
class Sequence:
    """`tokens` grows with every token drawn; the first `processed` of them are in the memory of `slot`.

    `cached` of the prompt's tokens were found there and not processed again.
    """

    uid: int
    tokens: list[int]
    sampler: Sampler
    prompt_length: int = 0
    processed: int = 0
    cached: int = 0
    slot: int = -1
    admitted: bool = field(default=False)

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
        """The next `most` pending tokens; it asks for a token when nothing is pending after it."""
        end = min(self.processed + most, len(self.tokens))
        return Chunk(self.slot, self.processed, tuple(self.tokens[self.processed : end]), end == len(self.tokens))
