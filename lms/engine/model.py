"""The seam between the engine's loop and a library that runs models: what a model must be able to do.

`llama.py` and `fake.py` implement it. Nothing here knows a clock, a socket or a request; tokens in, tokens out.
A slot is one sequence's place in the model's memory, numbered from 0; a position is an index into that sequence.
"""

from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from typing import Any, Protocol

from lms.engine.protocol import Runtime
from lms.engine.state_key import Setting
from lms.errors import LmsError
from lms.generation.messages import Image
from lms.generation.request import DraftModel, Sampling

UNSURE = -1


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in a sequence: `length` tokens from position `start` on stand for it (`picture_tokens.py`).

    `content` is what the decoder looks at.
    """

    start: int
    length: int
    content: Any

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True)
class Chunk:
    """Tokens of one slot to be processed together, the first of them at `start`. `sample` asks for the next token.

    `draft` is what is guessed to come then. It is processed in the same pass, and verified there. With a `picture` the
    tokens are those that stand for it, all of them, and nothing is drawn after them. `targets` are what follows the
    tokens, as far as it is known, if it is wanted how likely that was.
    """

    slot: int
    start: int
    tokens: tuple[int, ...]
    sample: bool
    draft: tuple[int, ...] = ()
    picture: Picture | None = None
    targets: tuple[int, ...] = ()

    def __len__(self) -> int:
        """The tokens that the pass processes for it."""
        return len(self.tokens) + len(self.draft)

    @property
    def outputs(self) -> int:
        """The last so many of them after which the model has to say what follows."""
        if self.targets:
            return len(self)
        return 1 + len(self.draft) if self.sample else 0


@dataclass(frozen=True)
class Likelihood:
    """The natural logarithm of the probability that the model gave a token, and the likeliest tokens in its place with
    theirs, the likeliest first."""

    logprob: float
    top: tuple[tuple[int, float], ...] = ()


class Vocabulary(Protocol):
    """Text to tokens and back. `bos` and `eos` are the texts of these tokens, as chat templates want them.

    No token stands for more than `longest_piece_bytes` of text. `infill` are the tokens before a prefix, before a
    suffix, and before what belongs between them, of a model that fills in gaps.
    """

    bos: str
    eos: str

    longest_piece_bytes: int
    infill: tuple[int, int, int] | None

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        """The tokens of `text`, special tokens in it recognised unless not `parse_special`; `add_special` adds what the
        model wants around it.
        """

    def piece(self, token: int) -> bytes:
        """The bytes that `token` stands for; none for a control token."""

    def spelling(self, token: int) -> bytes:
        """The bytes that `token` is written as in a prompt, a control token by its name."""

    def is_end(self, token: int) -> bool:
        """Whether the model ends its answer with `token`."""

    def __len__(self) -> int:
        """Token ids are 0 to this, exclusive."""


class Vision(Protocol):
    """Turns texts with pictures in them into tokens. `marker` stands for a picture in a text; nobody can guess it."""

    marker: str

    def read(self, text: str, images: Tokens[Image], *, add_special: bool) -> tuple[list[int], tuple[Picture, ...]]:
        """The tokens of `text`, in which each picture has a marker, and where the pictures are among them.

        Raises InvalidRequest for one that is no picture, Unsupported for one that the model cannot take.
        """


class Guide(Protocol):
    """Says which tokens may come next in one sequence: asked before each draw, and told after it."""

    def forbidden(self) -> Any:
        """An array with a boolean for each token: whether it must not be drawn. There is always one that may."""

    def take(self, token: int) -> None:
        """`token` was drawn."""

    def guess(self, most: int) -> tuple[int, ...]:
        """Up to `most` tokens that spell what has to come next; none where several texts can."""

    @property
    def is_over(self) -> bool:
        """Whether nothing but the end can follow."""

    @property
    def error(self) -> LmsError | None:
        """Why only the end may follow although the answer is not complete."""


class Dictation(Protocol):
    """Says at times which token has to come next, whatever the model would draw. It is told of every token."""

    @property
    def dictated(self) -> int | None:
        """The token that has to come next."""

    def take(self, token: int) -> None:
        """`token` was drawn."""


class Sampler(Protocol):
    """Draws one sequence's tokens. Holds that sequence's random state and what its penalties have seen."""

    def likelihoods(self) -> list[Likelihood]:
        """Of targets and drawn tokens, in their order, since this was asked last; none if they were not wanted."""

    def close(self) -> None:
        """Free what the sampler holds."""


class Decoder(Protocol):
    """The model's memory and its forward pass. One thread only.

    `parallel` sequences run at once; there are at least as many slots, so that some can keep what finished ones left.
    Of all `cells`, a slot can have `slot_cells`: as many, or a part, where each has a memory of its own. More than
    `leavings` of them with what finished sequences left would slow down the running ones.
    Memory that is `divisible` can be cut after any token; otherwise what a slot holds is kept as a whole or not at all,
    and drafts cannot be taken back; `states_divisible` says the same of what is saved and put back. A pass yields at
    most so many `outputs`: the next tokens, and those of drafts.
    """

    parallel: int
    slots: int
    cells: int
    slot_cells: int
    leavings: int
    divisible: bool
    states_divisible: bool
    outputs: int

    def sampler(
        self,
        sampling: Sampling,
        guide: Guide | None = None,
        *,
        prompt: Tokens[int] = (),
        dictation: Dictation | None = None,
        logprobs: int | None = None,
    ) -> Sampler:
        """A sampler for one sequence, drawing what `guide` allows. Every field of `sampling` but the seed is set.

        `prompt` is what DRY looks for repetitions in, before the answer. What `dictation` says is drawn if the guide
        allows it. `logprobs` asks how likely each token was, and for so many likeliest ones beside it.
        """

    def sees(self, picture: Picture, timeout_s: float = 0.0) -> bool:
        """Whether `picture` can go into a pass by then. To ask is to have it looked at, which may take its time.

        Raises EngineFailed when it cannot be seen.
        """

    def decode(self, chunks: Tokens[Chunk], samplers: Tokens[Any]) -> list[list[int]]:
        """Process all chunks in one pass and return the next tokens of each that asks for one, in their order.

        That is what its sampler drew, one token after the other, for as long as that was what the draft said: one token
        more than were accepted of the draft. Memory then holds the chunk's tokens and the accepted ones. `samplers` has
        one of this decoder's own samplers for each chunk that asks or has targets, and None for the others. Raises
        EngineFailed when the pass failed; what is in memory is not known then.
        """

    def keep(self, slot: int, length: int) -> int:
        """Forget what `slot` holds from position `length` on. Returns how much is really kept: `length` or 0."""

    def share(self, source: int, slot: int, length: int) -> bool:
        """Let the empty `slot` hold the first `length` positions of `source` too. False if this memory cannot."""

    def state_bytes(self, slot: int) -> int:
        """The size of what `save` would return."""

    def save(self, slot: int) -> bytes:
        """All that the memory holds for `slot`, as bytes for `restore` of a decoder of the same model and settings."""

    def restore(self, slot: int, state: bytes) -> bool:
        """Fill the empty `slot` with what was saved. False, and the slot stays empty, if it does not fit."""


class DraftDecoder(Decoder, Protocol):
    """A draft model. Its samplers draw the likeliest token, or `UNSURE` where none is likely enough for a guess.

    It has a slot for each of the sequences that run at once, and its memory is divisible.
    """

    vocabulary_size: int

    def close(self) -> None:
        """Give back all memory."""


class Embedder(Protocol):
    """Turns token sequences into vectors; or one that `ranks`, pairs of texts into scores."""

    ranks: bool

    def embed(self, inputs: Tokens[Tokens[int]]) -> list[bytes]:
        """One normalised little-endian float32 vector an input, or one such number, its score, if it `ranks`.

        All inputs together fit `batch_tokens`, or there is one.
        """

    def pair(self, query: str, document: str) -> list[int]:
        """The input whose score says how well `document` answers `query`."""


class Model(Protocol):
    """A loaded model. `context_length` is what one sequence may hold, `batch_tokens` the most of prompts, or of texts
    to embed unless there is one only, in one pass.

    `defaults` are the sampling settings the model's file recommends, `warnings` what was not done as asked.
    `state_settings` are all that decides what the bytes of a saved state mean, but for the model's file.
    """

    vocabulary: Vocabulary
    template: str | None
    runtime: Runtime
    defaults: Sampling
    state_settings: dict[str, Setting]
    context_length: int
    parallel: int
    batch_tokens: int
    warnings: tuple[str, ...]

    @property
    def vision(self) -> Vision | None:
        """What reads pictures; None where the model sees none."""

    def decoder(self) -> Decoder:
        """The model's memory. Raises Unsupported for a model that only embeds."""

    def draft_decoder(self, draft: DraftModel) -> DraftDecoder:
        """Load a model that guesses for this one. Raises EngineFailed, or Unsupported where none can help."""

    def embedder(self) -> Embedder:
        """The model's embedder. Raises Unsupported for a model that was loaded to generate."""

    def close(self) -> None:
        """Give back all memory."""
