"""Drawing from a large vocabulary, beside a chain that looks at every token."""

import numpy as np
import pytest

from lms.engine.llama_sampling import LlamaSampler, chain_of, draw_from, is_plain_greedy
from lms.engine.shortlist import is_worthwhile
from lms.generation.request import DEFAULT_SAMPLING, Sampling

SIZE = 30_000
DRAWS = 150

SETTINGS = (
    Sampling(seed=1),
    Sampling(seed=2, temperature=2.0, top_k=200, top_p=1.0, min_p=0.0),
    Sampling(seed=3, repeat_penalty=1.0),
    Sampling(seed=4, repeat_penalty=0.5, temperature=1.5),
    Sampling(seed=5, presence_penalty=2.0, frequency_penalty=1.5),
    Sampling(seed=6, presence_penalty=-2.0, frequency_penalty=-2.0),
    Sampling(seed=7, logit_bias={5: 30.0, 7: -100.0, SIZE + 1: 9.0}, temperature=3.0, top_k=3),
    Sampling(seed=8, typical_p=0.6),
    Sampling(seed=9, xtc_probability=0.7, xtc_threshold=0.05, temperature=1.5),
    Sampling(seed=10, xtc_probability=1.0, xtc_threshold=0.01, temperature=0.0),
    Sampling(temperature=0.0, typical_p=0.3),
    Sampling(temperature=0.0),
    Sampling(temperature=0.0, logit_bias={9: 3.0}, presence_penalty=1.0),
)


def naive_draws(sampling: Sampling, rows: list[np.ndarray]) -> list[int]:
    chain = chain_of(sampling, SIZE)
    return [draw_from(chain, np.arange(SIZE), row) for row in rows]


def rows_with_favourites(seed: int) -> list[np.ndarray]:
    """Logits of which the same few are among the largest again and again, so that penalties matter."""
    random = np.random.default_rng(seed)
    favourites = random.integers(0, SIZE, 60)
    rows = []
    for _ in range(DRAWS):
        row = random.standard_normal(SIZE).astype(np.float32)
        row[favourites] += 6 * random.random(60, dtype=np.float32)
        rows.append(row)
    return rows


@pytest.mark.parametrize("given", SETTINGS, ids=range(len(SETTINGS)))
def test_a_short_list_draws_what_the_whole_vocabulary_would(given: Sampling) -> None:
    sampling = given.over(DEFAULT_SAMPLING)
    rows = rows_with_favourites(given.seed or 0)
    sampler = LlamaSampler(sampling, SIZE)
    assert [sampler.choose(row) for row in rows] == naive_draws(sampling, rows)
    sampler.close()


@pytest.mark.parametrize("given", SETTINGS, ids=range(len(SETTINGS)))
def test_so_it_does_where_little_is_allowed(given: Sampling) -> None:
    sampling = given.over(DEFAULT_SAMPLING)
    rows = rows_with_favourites(given.seed or 0)
    for number, row in enumerate(rows):
        row[np.arange(SIZE) % 1000 != number % 7] = -np.inf
    sampler = LlamaSampler(sampling, SIZE)
    drawn = [sampler.choose(row) for row in rows]
    assert drawn == naive_draws(sampling, rows)
    assert all(token % 1000 == number % 7 for number, token in enumerate(drawn))
    sampler.close()


def test_without_top_k_every_token_counts() -> None:
    sampling = Sampling(seed=8, top_k=0, top_p=1.0, min_p=0.0, temperature=50.0).over(DEFAULT_SAMPLING)
    rows = rows_with_favourites(8)
    sampler = LlamaSampler(sampling, SIZE)
    drawn = [sampler.choose(row) for row in rows]
    assert drawn == naive_draws(sampling, rows)
    assert len(set(drawn)) > DRAWS - 20
    sampler.close()


def test_plain_greedy_takes_the_largest() -> None:
    sampling = Sampling(temperature=0.0, repeat_penalty=1.0).over(DEFAULT_SAMPLING)
    row = rows_with_favourites(9)[0]
    assert is_plain_greedy(sampling)
    assert LlamaSampler(sampling, SIZE).choose(row) == row.argmax()


def test_what_is_dictated_is_drawn_and_counts_as_drawn() -> None:
    sampling = Sampling(seed=1, repeat_penalty=2.0).over(DEFAULT_SAMPLING)
    row = rows_with_favourites(9)[0]
    dictated, free = Dictated([5, 6]), LlamaSampler(sampling, SIZE)
    sampler = LlamaSampler(sampling, SIZE, dictation=dictated)
    assert [sampler.next(row) for _ in range(2)] == [5, 6]
    assert dictated.taken == [5, 6]
    assert sampler.next(row) == free.next(row)
    for each in (sampler, free):
        each.close()


def test_what_must_not_be_drawn_is_not_dictated() -> None:
    sampler = LlamaSampler(Sampling(temperature=0.0).over(DEFAULT_SAMPLING), SIZE, dictation=Dictated([5]))
    row = rows_with_favourites(9)[0]
    row[5] = -np.inf
    assert sampler.next(row) == row.argmax()
    sampler.close()


@pytest.mark.parametrize("top_k", [0, 40])
def test_typical_sampling_survives_what_is_impossible(top_k: int) -> None:
    """llama.cpp makes NaN of a probability of nothing, and sorts by that."""
    sampling = Sampling(seed=1, typical_p=0.5, top_k=top_k, logit_bias={3: -100.0}).over(DEFAULT_SAMPLING)
    rows = rows_with_favourites(3)
    for row in rows:
        row[1000:] = -np.inf
    sampler = LlamaSampler(sampling, SIZE)
    drawn = [sampler.choose(row) for row in rows]
    assert max(drawn) < 1000
    sampler.close()


class Dictated:
    """Implements `Dictation`: some tokens at once."""

    def __init__(self, tokens: list[int]) -> None:
        self._tokens = tokens
        self.taken: list[int] = []

    @property
    def dictated(self) -> int | None:
        return self._tokens[0] if self._tokens else None

    def take(self, token: int) -> None:
        self.taken.append(token)
        self._tokens = self._tokens[1:]


def test_the_vocabulary_of_these_tests_is_large_enough_to_be_shortened() -> None:
    assert is_worthwhile(SIZE, 300)
