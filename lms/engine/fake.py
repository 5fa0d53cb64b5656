"""A model that needs no file: bytes are its tokens, and what it answers follows from what it was asked.

It is product code, not a test's: the pool, the server and the command line are tried against it, through the same
protocol, scheduler and batch as a real model. Its memory is kept token by token, and a pass that does not fit what the
memory holds is an error: so it checks the bookkeeping of whoever drives it.

    "count to 12"            1 2 3 … 12
    "write for ever"         numbers without end
    "think first: X"         reasoning, then X
    "call add {…}"           a call of the tool “add” with these arguments, one for each such line
    anything else            "You said: " and the last user message

Loaded to embed, one with “rerank” in its key ranks documents by the words that they share with the query.
"""

import hashlib
import itertools
import math
import os
import re
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Tokens

import numpy as np
from numpy.typing import NDArray

from lms.config.load import DEFAULT_CONTEXT_LENGTH, DEFAULT_PARALLEL, MOST_DRAFTED
from lms.engine.logprobs import likelihood
from lms.engine.model import (
    UNSURE,
    Chunk,
    Decoder,
    Dictation,
    DraftDecoder,
    Embedder,
    Guide,
    Likelihood,
    Picture,
    Vision,
    Vocabulary,
)
from lms.engine.picture_tokens import is_of_text, is_text
from lms.engine.protocol import EngineSpec, Runtime
from lms.engine.state_key import Setting
from lms.errors import EngineFailed, Unsupported
from lms.generation.request import DraftModel, Sampling
from lms.text.toolcalls.default import LAYOUT as CALLS

END = 256
CLOSING = b'"}]'
FAVOUR = 1000
START_OF_REASONING = ord("<")
DIMENSIONS = 16
TOKEN = struct.Struct("<i")
USER, MODEL = "<|user|>", "<|model|>"
TEMPLATE = (
    "{% for m in messages %}{{ '<|user|>' if m.role == 'user' else '<|model|>' if m.role == 'assistant' else '<|' + "
    "m.role + '|>' }}{{ m.content }}\n{% endfor %}<|model|>{# tools: none; thinks between <think> and </think> #}"
)


def reply(prompt: str) -> Iterator[str]:
    """The answer to a whole prompt, piece by piece. A prompt without turns is continued with numbers."""
    said = prompt.rsplit(USER, 1)[-1].rsplit(MODEL, 1)[0].strip() if MODEL in prompt else "write for ever"
    if counted := re.search(r"count to (\d+)", said):
        return iter([" ".join(str(n) for n in range(1, int(counted[1]) + 1))])
    if "for ever" in said:
        return (f"{n} " for n in itertools.count(1))
    if calls := re.findall(r"\bcall (\w+) (\{.*\})", said):
        return iter([CALLS.write(calls)])
    if thought := re.match(r"think first: (.*)", said, re.DOTALL):
        return iter([f"<think>The user wants {thought[1]}.</think>{thought[1]}"])
    return iter([f"You said: {said}"])


def spelled(tokens: Iterable[int]) -> str:
    """The text of `tokens`, with two digits for each that stands for a picture."""
    pieces = (bytes([token]) if is_of_text(token) else b"%02x" % (token & 0xFF) for token in tokens)
    return b"".join(pieces).decode(errors="replace")


class FakeVocabulary:
    """Implements `Vocabulary` over UTF-8 bytes."""

    bos = ""
    eos = ""
    longest_piece_bytes = 1
    infill: tuple[int, int, int] | None = (1, 2, 3)

    def __len__(self) -> int:
        return END + 1

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        return list(text.encode())

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < END else b""

    def spelling(self, token: int) -> bytes:
        return self.piece(token) or b"<|end|>"

    def is_end(self, token: int) -> bool:
        return token == END


class FakeSampler:
    """Draws the same tokens whatever the settings: the prompt decides, as far as the guide lets it.

    What the guide forbids waits until it may be said. Meanwhile comes what leads to an end soon. What is dictated comes
    before. The token that waits to be said is `FAVOUR` times as likely as any other one; in a prompt all are equally
    likely.
    """

    def __init__(
        self, guide: Guide | None = None, dictation: Dictation | None = None, logprobs: int | None = None
    ) -> None:
        self.upcoming: Iterator[int] | None = None
        self._guide = guide
        self._dictation = dictation
        self._logprobs = logprobs
        self._likelihoods: list[Likelihood] = []
        self._wanted: int | None = None
        self._drawn = Counter[int]()

    def draw(self) -> int:
        """The next token. `upcoming` is set by then."""
        if self._wanted is None:
            self._wanted = next(self.upcoming or iter(()), END)
        favourite = self._wanted
        token = self._dictated()
        if token is None:
            token = self._said(favourite)
        if self._dictation is not None:
            self._dictation.take(token)
        if self._logprobs is not None:
            self._likelihoods.append(likelihood(_logits(favourite), token, self._logprobs))
        return token

    def measure(self, target: int) -> None:
        """Note how likely `target` is as a token of the prompt."""
        self._likelihoods.append(likelihood(_logits(None), target, self._logprobs or 0))

    def likelihoods(self) -> list[Likelihood]:
        taken, self._likelihoods = self._likelihoods, []
        return taken

    def _said(self, wanted: int) -> int:
        token = wanted if self._guide is None else self._allowed(self._guide, wanted)
        if token == wanted:
            self._wanted = None
        return token

    def _dictated(self) -> int | None:
        token = self._dictation.dictated if self._dictation is not None else None
        if token is not None and self._guide is not None:
            if self._guide.forbidden()[token]:
                return None
            self._guide.take(token)
        return token

    def close(self) -> None:
        self.upcoming = None

    def _allowed(self, guide: Guide, wanted: int) -> int:
        """Of the tokens that are allowed the wanted one, an end or a closing one, or the one that was drawn least."""
        allowed = [token for token, forbidden in enumerate(guide.forbidden()) if not forbidden]
        first = next((token for token in (wanted, END, *CLOSING) if token in allowed), None)
        token = min(allowed, key=self._reluctance) if first is None else first
        self._drawn[token] += 1
        guide.take(token)
        return token

    def _reluctance(self, token: int) -> tuple[bool, int, int]:
        return token == START_OF_REASONING, self._drawn[token], token


class FakeDecoder:
    """Implements `Decoder`. `spend` is called with the number of tokens of each pass, to let time go by."""

    def __init__(
        self, parallel: int, slots: int, cells: int, spend: Callable[[int], None], divisible: bool = True,
        slot_cells: int = 0,
    ) -> None:  # fmt: skip
        self.parallel = parallel
        self.slots = slots
        self.cells = cells
        self.slot_cells = slot_cells or cells
        self.leavings = cells // 2
        self.divisible = self.states_divisible = divisible
        self.outputs = parallel * (1 + MOST_DRAFTED)
        self.memory: list[list[tuple[int, int]]] = [[] for _ in range(slots)]
        """Of each slot, its tokens, each with the number of the cell it lies in."""
        self._spend = spend
        self._numbers = itertools.count()

    def sampler(
        self,
        sampling: Sampling,
        guide: Guide | None = None,
        *,
        prompt: Tokens[int] = (),
        dictation: Dictation | None = None,
        logprobs: int | None = None,
    ) -> FakeSampler:
        return FakeSampler(guide, dictation, logprobs)

    def sees(self, picture: Picture, timeout_s: float = 0.0) -> bool:
        """At once, unless what it shows says when it is seen."""
        return picture.content is None or bool(picture.content.is_seen(timeout_s))

    def decode(self, chunks: Tokens[Chunk], samplers: Tokens[FakeSampler | None]) -> list[list[int]]:
        for chunk in chunks:
            self._store(chunk)
        if self.used > self.cells:
            raise EngineFailed(f"The pass needs more than the {self.cells} cells of memory.")
        self._spend(sum(map(len, chunks)))
        if sum(chunk.outputs for chunk in chunks) > self.outputs:
            raise EngineFailed(f"The pass asks for more than {self.outputs} outputs.")
        asking = [(chunk, sampler) for chunk, sampler in zip(chunks, samplers, strict=True) if sampler is not None]
        for chunk, sampler in asking:
            for target in chunk.targets:
                sampler.measure(target)
        return [self._draw(chunk, sampler) for chunk, sampler in asking if chunk.sample]

    def keep(self, slot: int, length: int) -> int:
        kept = length if self.divisible or length == len(self.memory[slot]) else 0
        del self.memory[slot][kept:]
        return kept

    def share(self, source: int, slot: int, length: int) -> bool:
        if self.memory[slot]:
            raise EngineFailed(f"Slot {slot} is not empty.")
        if not self.divisible:
            return False
        self.memory[slot] = self.memory[source][:length]
        return True

    def state_bytes(self, slot: int) -> int:
        return TOKEN.size * len(self.memory[slot])

    def save(self, slot: int) -> bytes:
        return b"".join(TOKEN.pack(token) for _, token in self.memory[slot])

    def restore(self, slot: int, state: bytes) -> bool:
        tokens = [token for (token,) in TOKEN.iter_unpack(state)]
        if self.memory[slot] or self.used + len(tokens) > self.cells:
            return False
        self.memory[slot] = list(zip(self._numbers, tokens, strict=False))
        return True

    @property
    def used(self) -> int:
        """Cells that hold anything."""
        return len({cell for held in self.memory for cell, _ in held})

    def _store(self, chunk: Chunk) -> None:
        held = self.memory[chunk.slot]
        if chunk.start != len(held):
            raise EngineFailed(f"Slot {chunk.slot} holds {len(held)} tokens, and the pass starts at {chunk.start}.")
        if chunk.draft and not self.divisible:
            raise EngineFailed("This memory cannot take back a draft.")
        if not is_text(chunk.tokens if chunk.picture is None else chunk.draft):
            raise EngineFailed("A picture's tokens are no text, and no guess.")
        if chunk.picture is not None and chunk.picture.length != len(chunk.tokens):
            raise EngineFailed("A picture was cut.")
        held += zip(self._numbers, chunk.tokens + chunk.draft, strict=False)
        if len(held) > self.slot_cells:
            raise EngineFailed(f"Slot {chunk.slot} needs more than its {self.slot_cells} cells of memory.")

    def _draw(self, chunk: Chunk, sampler: FakeSampler) -> list[int]:
        held = self.memory[chunk.slot]
        if sampler.upcoming is None:
            prompt = spelled(token for _, token in held[: chunk.start + len(chunk.tokens)])
            sampler.upcoming = itertools.chain.from_iterable(piece.encode() for piece in reply(prompt))
        drawn = [sampler.draw()]
        for guessed in chunk.draft:
            if drawn[-1] != guessed:
                del held[chunk.start + len(chunk.tokens) + len(drawn) - 1 :]
                break
            drawn.append(sampler.draw())
        return drawn


class FakeDraft(FakeDecoder):
    """Implements `DraftDecoder`. It knows what the fake model says; one with “wrong” in its key never says that, one
    with “unsure” says nothing.
    """

    vocabulary_size = END + 1

    def __init__(self, parallel: int, cells: int, spend: Callable[[int], None], draft: DraftModel) -> None:
        super().__init__(parallel, parallel, cells, spend)
        self._key = draft.key
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def _draw(self, chunk: Chunk, sampler: FakeSampler) -> list[int]:
        said = bytes(token for _, token in self.memory[chunk.slot] if token != END).decode(errors="replace")
        prompt, marker, answered = said.rpartition(MODEL)
        upcoming = itertools.chain.from_iterable(piece.encode() for piece in reply(prompt + marker))
        token = next(itertools.islice(upcoming, len(answered.encode()), None), END)
        if "unsure" in self._key:
            return [UNSURE]
        return [token ^ 1 if "wrong" in self._key else token]


class FakeEmbedder:
    """Implements `Embedder`: a vector that only the tokens decide, or how many words two texts share."""

    def __init__(self, ranks: bool) -> None:
        self.ranks = ranks

    def embed(self, inputs: Tokens[Tokens[int]]) -> list[bytes]:
        return [_score(tokens) if self.ranks else _vector(tokens) for tokens in inputs]

    def pair(self, query: str, document: str) -> list[int]:
        return [*query.encode(), END, *document.encode()]


class FakeModel:
    """Implements `Model`. `LMS_FAKE_TOKEN_MS` makes every token of a pass take so many milliseconds."""

    def __init__(self, spec: EngineSpec, spend: Callable[[int], None] | None = None) -> None:
        self._spec = spec
        self._spend = spend or _spend_as_environment_says
        self.vocabulary: Vocabulary = FakeVocabulary()
        self.template: str | None = spec.config.chat_template or TEMPLATE
        self.runtime = Runtime("fake", "1.0.0", ("gguf",))
        self.defaults = Sampling()
        self.state_settings: dict[str, Setting] = {"engine": "fake"}
        self.context_length = spec.config.context_length or DEFAULT_CONTEXT_LENGTH
        self.parallel = 1 if spec.embedding else spec.config.parallel or DEFAULT_PARALLEL
        self.batch_tokens = max(spec.config.batch_size or 512, self.context_length if spec.embedding else 1)
        self.warnings: tuple[str, ...] = ()
        self.vision: Vision | None = _vision() if spec.projector_path else None

    def decoder(self) -> Decoder:
        if self._spec.embedding:
            raise Unsupported(f"“{self._spec.identifier}” is an embedding model and generates no text.")
        if self._spec.config.unified_kv is False:
            cells, slot_cells = self.parallel * self.context_length, self.context_length
            return FakeDecoder(self.parallel, self.parallel, cells, self._spend, slot_cells=slot_cells)
        return FakeDecoder(self.parallel, 2 * self.parallel, max(self.context_length, self._spec.cells), self._spend)

    def draft_decoder(self, draft: DraftModel) -> DraftDecoder:
        return FakeDraft(self.parallel, max(self.context_length, self._spec.cells), self._spend, draft)

    def embedder(self) -> Embedder:
        if not self._spec.embedding:
            raise Unsupported(f"“{self._spec.identifier}” generates text and was not loaded to embed.")
        return FakeEmbedder("rerank" in self._spec.model_key)

    def close(self) -> None:
        """There is nothing to give back."""


def _vision() -> Vision:
    from lms.engine.fake_vision import FakeVision  # Pillow takes a while to import, and most never need it

    return FakeVision()


def _spend_as_environment_says(tokens: int) -> None:
    time.sleep(tokens * float(os.environ.get("LMS_FAKE_TOKEN_MS", "0")) / 1000)


def _score(tokens: Tokens[int]) -> bytes:
    border = list(tokens).index(END)
    shared = set(bytes(tokens[:border]).split()) & set(bytes(tokens[border + 1 :]).split())
    return struct.pack("<f", len(shared))


def _logits(favourite: int | None) -> NDArray[np.float32]:
    logits = np.zeros(END + 1, np.float32)
    if favourite is not None:
        logits[favourite] = math.log(FAVOUR)
    return logits


def _vector(tokens: Tokens[int]) -> bytes:
    digest = hashlib.sha256(bytes(str(list(tokens)), "ascii")).digest()[:DIMENSIONS]
    centred = [byte - 127.5 for byte in digest]
    norm = math.hypot(*centred)
    return struct.pack(f"<{DIMENSIONS}f", *(value / norm for value in centred))
