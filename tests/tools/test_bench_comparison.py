import os

import pytest

from tools.bench.comparison import Metric, Outcome, Row, Run, Scenario
from tools.bench.rounds import SALT_STEP, alternate
from tools.bench.scenarios import TINY
from tools.bench.servers import Server
from tools.bench.workloads import Figures

SPEED = Metric("speed", "tok/s", more_is_better=True, ratio=1.5)
WAIT = Metric("wait", "s", ratio=2.0)
GAP = Metric("gap", "ms", most=100)


def scenario(*metrics: Metric) -> Scenario:
    return Scenario("one", TINY, lambda server, salt: {}, metrics)


def row(metric: Metric, ours: list[float], other: list[float]) -> Row:
    return Row(scenario(metric), metric, tuple(ours), tuple(other))


def test_a_ratio_is_the_median_of_the_ratios_of_pairs() -> None:
    # The machine was ten times slower in the second pair: of medians, 30 over 20 would be 1.5.
    assert row(SPEED, [30, 4, 60], [10, 2, 20]).ratio == pytest.approx(3.0)


def test_more_than_one_means_ours_is_ahead_also_where_less_is_better() -> None:
    assert row(WAIT, [1.0], [4.0]).ratio == 4.0


def test_an_aim_holds_from_its_value_on() -> None:
    assert row(SPEED, [15], [10]).holds
    assert row(SPEED, [14], [10]).holds is False
    assert row(SPEED, [14], []).holds is None


def test_an_aim_for_ours_alone_needs_no_peer_and_is_in_its_own_unit() -> None:
    assert row(GAP, [0.1], []).holds
    assert row(GAP, [0.101], []).holds is False


def test_nothing_of_nothing_is_no_ratio() -> None:
    assert row(WAIT, [0], [0]).ratio is None


def test_the_processor_times_are_compared_pair_by_pair() -> None:
    outcome = Outcome(scenario(), (Run({}, 2.0), Run({}, 1.0)), (Run({}, 4.0), Run({}, 2.0)))
    assert outcome.cpu_ratio == 2.0


def test_pairs_have_the_same_words_and_who_goes_first_changes() -> None:
    asked: list[tuple[str, int]] = []

    def note(server: Server, salt: int) -> Figures:
        asked.append((server.model, salt))
        return {}

    ours, other = Server(1, "ours", os.getpid()), Server(2, "peer", os.getpid())
    alternate(Scenario("one", TINY, note, ()), ours, other, runs=3, salt=5)
    second, third = 5 + SALT_STEP, 5 + 2 * SALT_STEP
    assert asked == [
        *(("ours", 5), ("peer", 5)),
        *(("peer", second), ("ours", second)),
        *(("ours", third), ("peer", third)),
    ]
