"""Which tokens may come next in an answer that a grammar constrains: llguidance, over any model's vocabulary.

A mask is made in some 20 µs for a vocabulary of 152,000 tokens, and unpacked in 8 more.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from numpy.typing import NDArray

from lms.errors import InvalidRequest, Unsupported
from lms.generation.constraint import Constraint
from lms.text.grammars import refusal

# What it may take before llguidance gives up on an answer. A step takes up to 10 ms where it goes well, and close to a
# second where it does not and these limits end it. A lexer state takes one or two kilobytes; a string of limited length
# has one for each character.
LIMITS = LLParserLimits(
    initial_lexer_fuel=200_000,
    step_max_items=20_000,
    max_lexer_states=50_000,
    max_grammar_size=50_000,
    precompute_large_lexemes=False,
    verbose_errors=False,
)


class Vocabulary(Protocol):
    """What has to be known of a model's tokens; `engine.model.Vocabulary` says more of each."""

    def tokenize(self, text: str, *, add_special: bool) -> list[int]: ...

    def piece(self, token: int) -> bytes: ...

    def is_end(self, token: int) -> bool: ...

    def __len__(self) -> int: ...


class ByteVocabulary:
    """Implements `Vocabulary`: the 256 bytes and an end."""

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        return list(text.encode())

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < 256 else b""

    def is_end(self, token: int) -> bool:
        return token == 256

    def __len__(self) -> int:
        return 257


class _Tokens:
    """A vocabulary as llguidance wants to see one. Control tokens have no text; of them only ends are ever allowed."""

    bos_token_id = None

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.tokens = [vocabulary.piece(token) for token in range(len(vocabulary))]
        self.special_token_ids = [token for token, piece in enumerate(self.tokens) if not piece]
        self.ends = [token for token in range(len(vocabulary)) if vocabulary.is_end(token)]

    @property
    def eos_token_id(self) -> int:
        return self.ends[0]

    def __call__(self, text: bytes) -> Sequence[int]:
        """Tokens that spell `text` and nothing else; as the model would write it after other text, where possible.

        SentencePiece vocabularies put a space before what they take for the beginning of a text.
        """
        alone = self._vocabulary.tokenize(text.decode(errors="replace"), add_special=False)
        after = self._vocabulary.tokenize("\n" + text.decode(errors="replace"), add_special=False)
        candidates = (alone, *(after[start:] for start in range(1, 4)))
        return next((tokens for tokens in candidates if self._spelled(tokens) == text), None) or self._greedy(text)

    def _spelled(self, tokens: Sequence[int]) -> bytes:
        return b"".join(self.tokens[token] for token in tokens)

    def _greedy(self, text: bytes) -> Sequence[int]:
        """The longest token that fits, again and again."""
        tokens = list[int]()
        while text:
            end = next((end for end in range(self._longest, 0, -1) if text[:end] in self._numbers), 1)
            tokens += [self._numbers[text[:end]]] if text[:end] in self._numbers else []
            text = text[end:]
        return tokens

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {piece: token for token, piece in enumerate(self.tokens) if piece}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.tokens))


def tokenizer(vocabulary: Vocabulary) -> LLTokenizer:
    """Takes about half a second for 152,000 tokens. Raises Unsupported for a vocabulary without an end."""
    tokens = _Tokens(vocabulary)
    if not tokens.ends:
        raise Unsupported("This model has no token that ends an answer, and cannot be held to a form.")
    return LLTokenizer(TokenizerWrapper(tokens), eos_token=tokens.ends, slices=LLTokenizer.json_slices())


def matcher(tokenizer: LLTokenizer, grammar: str) -> LLMatcher:
    """A matcher at the beginning of `grammar`. When it cannot be, or can have no beginning, `get_error` says why."""
    begun = LLMatcher(tokenizer, grammar, log_level=0, limits=LIMITS)
    if not begun.is_error():
        begun.compute_bitmask()
    return begun


class Guide:
    """One answer's way through a grammar. Ask what is forbidden, draw a token, say which."""

    def __init__(self, matcher: LLMatcher, vocabulary_size: int, constraint: Constraint) -> None:
        self._matcher = matcher
        self._constraint = constraint
        self._size = vocabulary_size
        self._words = np.zeros((vocabulary_size + 31) // 32, np.uint32)

    def forbidden(self) -> NDArray[np.bool_]:
        """For each token, whether it must not come next. In a dead end everything must not but the ends."""
        self._matcher.unsafe_compute_mask_ptr(self._words.ctypes.data, self._words.nbytes)
        bits = np.unpackbits(~self._words.view(np.uint8), count=self._size, bitorder="little")
        return bits.view(np.bool_)

    def take(self, token: int) -> None:
        """`token` has been drawn, one that was not forbidden."""
        if not self._matcher.is_stopped():
            self._matcher.consume_token(token)

    def guess(self, most: int) -> tuple[int, ...]:
        """Up to `most` tokens that spell what has to come next; none where several texts can."""
        return tuple(self._matcher.compute_ff_tokens()[:most])

    @property
    def is_over(self) -> bool:
        """Whether the answer is complete, and nothing but its end can follow."""
        return bool(self._matcher.is_stopped()) and not self._matcher.is_error()

    @property
    def error(self) -> InvalidRequest | None:
        """Why there is no way on, once there is none."""
        return refusal(self._constraint, self._matcher.get_error()) if self._matcher.is_error() else None
