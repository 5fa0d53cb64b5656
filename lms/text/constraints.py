"""Output constraints over one model's vocabulary: checked, compiled once, and followed by any number of answers.

The limit: other answers wait while a new constraint is compiled, some milliseconds as a rule, and twice the time that
`grammar_trial` allows at most. They wait once, for the first constraint, until the vocabulary is prepared: for 152,000
tokens that takes 0.7 s of computing, and 65 MB.
"""

from functools import cached_property, lru_cache

import msgspec
from llguidance import LLMatcher, LLTokenizer

from lms.generation.constraint import Constraint
from lms.text.grammar_trial import GrammarTrial
from lms.text.grammars import check_size, refusal
from lms.text.guide import Guide, Vocabulary, matcher, tokenizer

# Each may come to hold as many lexer states as `guide.LIMITS` allows, of one or two kilobytes.
REMEMBERED = 16

_DECODER = msgspec.msgpack.Decoder(Constraint)


class Constraints:
    """Compiles constraints for one model. One thread only."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._trial = GrammarTrial()
        self._compiled = lru_cache(maxsize=REMEMBERED)(self._compile)

    def guide(self, constraint: Constraint, frame: str = "") -> Guide:
        """A way through `constraint` inside `frame`, for one answer. Raises InvalidRequest if it cannot be enforced."""
        check_size(constraint)
        compiled = self._compiled(msgspec.msgpack.encode(constraint), frame)
        return Guide(compiled.deep_copy(), len(self._vocabulary), constraint)

    def close(self) -> None:
        """End the child in which grammars are tried."""
        self._trial.close()

    @cached_property
    def _tokenizer(self) -> LLTokenizer:
        return tokenizer(self._vocabulary)

    def _compile(self, encoded: bytes, frame: str) -> LLMatcher:
        constraint = _DECODER.decode(encoded)
        self._trial.start()
        _ = self._tokenizer  # which takes its time; the child starts meanwhile
        compiled = matcher(self._tokenizer, self._trial.grammar(constraint, frame))
        if compiled.is_error():
            raise refusal(constraint, compiled.get_error())
        return compiled
