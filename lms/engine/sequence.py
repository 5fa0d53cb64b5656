"""One sequence of tokens on its way through the model: its prompt, what was generated, and how far it is processed."""

from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field

from lms.engine.model import Chunk, Likelihood, Picture, Sampler
from lms.engine.overflow import Window


@dataclass(eq=False)
class Sequence:
    """`tokens` grows with every token drawn; the first `processed` of them are in the memory of `slot`.

    `pictures` stand in the prompt, in their order, and not at its end. `cached` of the prompt's tokens were found there
    and not processed again, `told` of them have been reported. `marks` are numbers of tokens after which a chunk ends,
    because what is in memory then is to be stored.

    `logprobs` says that it is wanted how likely each drawn token was, `measured` of how many of the prompt's tokens
    that is known (−1: it is not wanted). One that outgrows its `window` goes on without its middle.
    """

    uid: int
    tokens: list[int]
    sampler: Sampler
    pictures: tuple[Picture, ...] = ()
    prompt_length: int = 0
    processed: int = 0
    cached: int = 0
    told: int = -1
    slot: int = -1
    marks: list[int] = field(default_factory=list)
    logprobs: bool = False
    measured: int = -1
    window: Window | None = None

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

    @property
    def has_only_begun(self) -> bool:
        """Whether one token was drawn, and no more."""
        return len(self.tokens) == self.prompt_length + 1

    @property
    def next_picture(self) -> Picture | None:
        """The picture that is to be processed next."""
        return next((picture for picture in self.pictures if picture.start == self.processed), None)

    def undivided(self, length: int) -> int:
        """So many of the first `length` tokens that no picture is cut."""
        return next((picture.start for picture in self.pictures if picture.start < length < picture.end), length)

    def chunk(self, most: int) -> Chunk:
        """The next `most` pending tokens, up to a mark or a picture; it asks for a token when nothing is pending after
        it. A picture is a chunk of its own, and whole: an encoder sees it at once, and some models do too."""
        if self.pending == 1:  # as for every token of an answer
            return Chunk(self.slot, self.processed, (self.tokens[-1],), sample=True)
        if picture := self.next_picture:
            tokens = tuple(self.tokens[picture.start : picture.end])
            return Chunk(self.slot, self.processed, tokens, sample=False, picture=picture)
        stops = (*self.marks, *(picture.start for picture in self.pictures))
        end = min(self.processed + most, *(stop for stop in stops if stop > self.processed), len(self.tokens))
        tokens = tuple(self.tokens[self.processed : end])
        targets = self._targets(end) if self.measured >= 0 else ()
        return Chunk(self.slot, self.processed, tokens, end == len(self.tokens), targets=targets)

    def _targets(self, end: int) -> tuple[int, ...]:
        """What follows each token up to `end`, while it is still wanted how likely the prompt was.

        Its first token, which nothing predicts, counts as measured.
        """
        if self.measured == self.prompt_length - 1:
            return ()
        return tuple(self.tokens[self.processed + 1 : min(end + 1, self.prompt_length)])

    def news(self, likelihoods: Tokens[Likelihood]) -> Tokens[Likelihood]:
        """Those of the targets that were not known before, once the tokens before them have been processed.

        A prompt that was put off is processed again.
        """
        news = likelihoods[max(0, self.measured - self.processed) :]
        self.measured += len(news)
        return news

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

    @property
    def has_outgrown_its_window(self) -> bool:
        return self.window is not None and len(self.tokens) > self.window.length

    def roll(self) -> tuple[int, int]:
        """Leave out the middle. Returns how many tokens there are before it, and in it."""
        assert self.window is not None
        before = len(self.tokens)
        self.tokens = self.window.without_middle(self.tokens)
        self.prompt_length = min(self.prompt_length, len(self.tokens) - 1)
        self.marks = []
        return self.window.kept, before - len(self.tokens)
