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


def test_the_vocabulary_of_these_tests_is_large_enough_to_be_shortened() -> None:
    assert is_worthwhile(SIZE, 300)
