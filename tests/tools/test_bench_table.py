from tools.bench import table
from tools.bench.comparison import Metric, Outcome, Run, Scenario
from tools.bench.scenarios import TINY

SCENARIO = Scenario(
    "prefix8", TINY, lambda server, salt: {}, (Metric("wall", "s", ratio=4.0), Metric("again", "tokens", most=0))
)


def test_each_figure_is_a_row_and_the_processor_time_stands_in_the_first() -> None:
    outcome = Outcome(SCENARIO, (Run({"wall": 5.0, "again": 0}, 1.0),), (Run({"wall": 24.0, "again": 7}, 3.0),))
    assert table.comparison(outcome) == [
        ["prefix8, wall", "5.00 s", "24.0 s", "4.80 ×", "3.00 ×", "≥ 4 ×", "holds"],
        ["prefix8, again", "0 tokens", "7 tokens", "", "", "≤ 0 tokens", "holds"],
    ]


def test_without_a_peer_there_is_no_ratio_and_no_verdict_on_it() -> None:
    outcome = Outcome(SCENARIO, (Run({"wall": 5.0, "again": 3}, 1.0),), ())
    assert table.comparison(outcome) == [
        ["prefix8, wall", "5.00 s", "–", "", "", "≥ 4 ×", ""],
        ["prefix8, again", "3 tokens", "–", "", "", "≤ 0 tokens", "MISSED"],
    ]


def test_columns_stand_under_each_other() -> None:
    assert table.lines([["a", "b"], ["long", "1000"]]) == ["a        b", "long  1000"]


def test_of_two_values_the_lower_one_was_measured() -> None:
    assert table.middle([3.0, 1.0]) == 1.0
