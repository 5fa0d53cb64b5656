"""The shortlist of a vocabulary, beside a sort of all of it."""

import numpy as np
import pytest

from lms.engine.shortlist import BLOCKS, is_worthwhile, shortlist

SIZES = (4 * BLOCKS, 4 * BLOCKS + 1, 50_257, 151_936)


def naive(logits: np.ndarray, likeliest: int) -> set[int]:
    return set(np.argsort(logits)[-likeliest:].tolist())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("likeliest", [1, 40, 104, BLOCKS // 2])
def test_the_likeliest_are_on_it_and_few_others(size: int, likeliest: int) -> None:
    logits = np.random.default_rng(size).standard_normal(size, dtype=np.float32)
    listed = shortlist(logits, likeliest).tolist()
    assert naive(logits, likeliest) <= set(listed)
    assert listed == sorted(listed)
    assert len(listed) < 2 * likeliest + 10


def test_neighbours_may_be_the_likeliest() -> None:
    logits = np.zeros(BLOCKS * 8, np.float32)
    for first in (0, 5000, len(logits) - 50):
        logits[:] = 0
        logits[first : first + 50] = np.arange(1, 51)
        assert naive(logits, 50) <= set(shortlist(logits, 50).tolist())


def test_what_is_always_wanted_is_on_it() -> None:
    logits = np.random.default_rng(1).standard_normal(20_000, dtype=np.float32)
    least = int(logits.argmin())
    assert least in shortlist(logits, 5, [least]).tolist()


def test_what_is_forbidden_is_not_on_it_even_where_little_is_allowed() -> None:
    logits = np.full(20_000, -np.inf, np.float32)
    logits[[7, 8, 19_999]] = (1, -5, 3)
    assert shortlist(logits, 40).tolist() == [7, 8, 19_999]


def test_it_is_worthwhile_for_large_vocabularies_and_few_tokens() -> None:
    assert is_worthwhile(152_000, 104)
    assert not is_worthwhile(1024, 104)
    assert not is_worthwhile(152_000, 152_000)
