"""The tokens that stand for a picture in a sequence, where text has those of the vocabulary. Pure.

They follow from what the picture shows alone, so whoever compares tokens compares pictures with them: in the model's
memory and on disk, one that was seen before is found again. They are negative, which no token of a vocabulary is.
"""

import hashlib
from array import array
from collections.abc import Sequence as Tokens

_SIGN = -(2**31)


def tokens_for(shown: bytes, count: int) -> list[int]:
    """`count` tokens of 32 bits for the picture that `shown` identifies. Two pictures share one by rare chance only."""
    drawn = array("i", hashlib.shake_128(shown).digest(4 * count))
    return [token | _SIGN for token in drawn]


def is_of_text(token: int) -> bool:
    """Whether `token` is one of a vocabulary."""
    return token >= 0


def is_text(tokens: Tokens[int]) -> bool:
    """Whether none of `tokens` stands for a picture."""
    return is_of_text(min(tokens, default=0))
