from dataclasses import replace
from pathlib import Path

import pytest

from tools.bench import results, rounds, scenarios, servers
from tools.bench.answers import CallFailed
from tools.bench.machine import Machine
from tools.bench.scenarios import SCENARIOS, named
from tools.bench.servers import Server
from tools.bench.workloads import Figures


def test_no_name_means_all_and_names_keep_the_order_of_the_table() -> None:
    assert named([]) == list(SCENARIOS)
    assert [scenario.name for scenario in named(["embed", "single"])] == ["single", "embed"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no scenario prefix9.*prefix8"):
        named(["prefix9"])


def test_every_scenario_has_an_aim() -> None:
    assert all(any(metric.ratio or metric.most is not None for metric in one.metrics) for one in SCENARIOS)


def test_only_bundled_models_need_not_be_made() -> None:
    unmade = {one.setup.model for one in SCENARIOS if scenarios.made_model(one.setup) is None}
    assert unmade == {scenarios.TINY_CHAT}


def test_the_machine_says_what_it_is() -> None:
    assert all(line.strip() for line in Machine.here().lines())


@pytest.mark.real
def test_a_scenario_runs_without_a_peer(tmp_path: Path) -> None:
    with servers.ours() as ours:
        session = rounds.Session(ours, None, tmp_path / "peer.log", 1, lambda line: None)
        (outcome,) = rounds.compare(session, named(["repeat-tiny"]))
    assert outcome.failure == ""
    assert outcome.rows()[0].ours[0] > 0
    assert outcome.rows()[0].ratio is None
    assert results.shape([outcome])[0]["other"] == []


@pytest.mark.real
def test_a_scenario_that_fails_does_not_end_the_others(tmp_path: Path) -> None:
    def refused(server: Server, salt: int) -> Figures:
        raise CallFailed("no")

    (good,) = named(["repeat-tiny"])
    bad = replace(good, name="bad", setup=replace(good.setup, slots=2), workload=refused)
    with servers.ours() as ours:
        session = rounds.Session(ours, None, tmp_path / "peer.log", 1, lambda line: None)
        outcomes = list(rounds.compare(session, [bad, good]))
    assert [outcome.failure for outcome in outcomes] == ["CallFailed: no", ""]
