import pytest

from lms.engine.pace import ALONE_S, BESIDE_ANSWERS_S, LEAST_TOKENS, Pace
from lms.engine.scheduler import Limits


def paced(token_s: float, most: int = 512) -> Limits:
    pace = Pace(most)
    for _ in range(30):
        pace.observe(100, 100 * token_s)
    return pace.limits


@pytest.mark.parametrize("token_s", [1e-6, 1e-4, 5e-4, 1e-3, 1.5e-3])
def test_a_pass_takes_no_longer_than_wanted(token_s: float) -> None:
    limits = paced(token_s)
    assert limits.alone * token_s <= ALONE_S
    assert limits.beside_answers * token_s <= BESIDE_ANSWERS_S


def test_a_fast_processor_fills_the_batch_and_a_slow_one_still_moves_on() -> None:
    assert paced(1e-6) == Limits(512, 512)
    assert paced(1.0) == Limits(LEAST_TOKENS, LEAST_TOKENS)


def test_before_anything_is_known_passes_are_small() -> None:
    assert Pace(512).limits == Limits(LEAST_TOKENS, LEAST_TOKENS)


def test_a_pass_that_only_decodes_says_nothing_about_prompts() -> None:
    pace = Pace(512)
    pace.observe(8, 1.0)
    assert pace.limits == Pace(512).limits


def test_sizes_are_powers_of_two_so_that_they_settle() -> None:
    assert {paced(token_s).alone for token_s in (1.0e-3, 1.1e-3, 1.2e-3, 1.3e-3)} == {256}
