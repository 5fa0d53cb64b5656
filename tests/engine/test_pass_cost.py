"""What is learnt of the cost of passes."""

import pytest

from lms.engine.pass_cost import ASSUMED_DRAFT_COST, ASSUMED_GUESS_COST, PassCost


def test_before_anything_was_seen_costs_are_assumed() -> None:
    cost = PassCost()
    assert cost.drafted(1, 4) == 1 + 4 * ASSUMED_DRAFT_COST
    assert cost.guess(1) == ASSUMED_GUESS_COST


def test_the_cost_of_a_draft_is_learnt() -> None:
    cost = PassCost()
    for _ in range(50):
        cost.observe(1, 0, 0.020)
        cost.observe(1, 8, 0.100)
    assert cost.drafted(1, 8) == pytest.approx(5, rel=0.01)


def test_the_cost_of_a_guess_is_learnt() -> None:
    cost = PassCost()
    for _ in range(50):
        cost.observe(1, 0, 0.020)
        cost.observe_guessing(4, 0.024)
    assert cost.guess(1) == pytest.approx(0.3, rel=0.01)


def test_between_sizes_that_were_seen_the_cost_lies_between_theirs() -> None:
    cost = PassCost()
    cost.observe(1, 0, 0.010)
    cost.observe(1, 4, 0.030)
    assert cost.drafted(1, 2) == pytest.approx(2)


def test_a_larger_pass_that_is_quicker_is_known_as_such() -> None:
    cost = PassCost()
    cost.observe(3, 0, 0.096)
    cost.observe(3, 1, 0.075)
    assert cost.drafted(3, 1) < 1


def test_what_few_sequences_cost_is_known_when_there_are_more() -> None:
    cost = PassCost()
    cost.observe(1, 3, 0.075)
    cost.observe(3, 0, 0.096)
    assert cost.drafted(3, 1) < 1


def test_a_cost_that_keeps_drafts_from_being_tried_is_forgotten_in_time() -> None:
    cost = PassCost()
    cost.observe(1, 0, 0.020)
    cost.observe(1, 1, 0.500)
    assert cost.drafted(1, 1) > 20
    for _ in range(4000):
        cost.observe(1, 0, 0.020)
    assert cost.drafted(1, 1) < 1.5


def test_passes_of_prompts_size_are_not_kept() -> None:
    cost = PassCost()
    cost.observe(1, 0, 0.020)
    cost.observe(512, 0, 2.0)
    assert cost.drafted(1, 16) < 10
