"""`lms bench` over a daemon that answers at once: what is asked, and how figures are made. None is a speed."""

from pathlib import Path
from typing import Any

import pytest

from lms.cli.bench_run import Answer, summed_up
from lms.errors import QueueFull
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.test_chat import ANSWER


@pytest.fixture
def measured(lms: Terminal, daemon: FakeDaemon) -> Terminal:
    lms.type("load", "tiny-chat")
    daemon.answers = [list(ANSWER) for _ in range(99)]
    return lms


def test_each_size_is_asked_for_after_a_warm_up(measured: Terminal, daemon: FakeDaemon) -> None:
    shape = measured.type("bench", "--json").json
    assert shape["model"] == "tiny-chat"
    assert [result["streams"] for result in shape["results"]] == [1, 4, 16]
    assert len(daemon.asked) == 1 + 1 + 4 + 16


def test_no_prompt_was_asked_before(measured: Terminal, daemon: FakeDaemon) -> None:
    measured.type("bench", "--streams", "4,4", "--tokens", "7", "--prompt-words", "50")
    prompts = [body["messages"][0]["content"] for body in daemon.asked]
    assert len(set(prompts)) == len(prompts)
    assert {body["max_tokens"] for body in daemon.asked[1:]} == {7}


def test_in_a_pipe_the_table_is_all_there_is_on_stdout(measured: Terminal) -> None:
    headers, *rows = measured.type("bench", "--streams", "1,2").out.splitlines()
    assert headers.split() == "STREAMS FIRST TOKEN SLOWEST TOK/S EACH TOK/S ALL PROMPT ANSWER".split()
    assert [row.split()[0] for row in rows] == ["1", "2"]
    assert rows[0].split()[-2:] == ["7", "3"]


def test_figures_are_medians_and_a_sum_over_the_whole_time() -> None:
    figures = summed_up([Answer(10, 11, 13, 7, 5), Answer(10, 12, 14, 7, 3), Answer(10, 16, 20, 7, 9)])
    assert (figures.first_token_s, figures.slowest_first_token_s) == (2, 6)
    assert figures.rate_each == 2  # 4 in 2 s, 2 in 2 s, 8 in 4 s
    assert figures.rate_all == 1.7


def test_an_answer_of_one_token_has_no_speed_of_its_own() -> None:
    assert summed_up([Answer(0, 1, 1, 7, 1)]).rate_each == 0


def test_a_failure_is_told_and_no_figures(measured: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers[1] = [QueueFull("Too many.")]
    ended = measured.type("bench")
    assert (ended.code, ended.out) == (1, "")
    assert "Too many." in ended.err


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_chart_is_drawn(measured: Terminal, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / f"bench.{suffix}"
    assert measured.type("bench", "--streams", "1,2", "--plot", str(file)).code == 0
    assert file.stat().st_size > 1000


@pytest.mark.parametrize(
    "flags",
    [["--streams", "0"], ["--streams", "1,"], ["--tokens", "1"], ["--plot", "chart.txt"], ["--plot", "no/where.png"]],
)
def test_flags_that_make_no_sense_end_with_2_and_measure_nothing(
    measured: Terminal, daemon: FakeDaemon, flags: list[Any]
) -> None:
    assert measured.type("bench", *flags).code == 2
    assert daemon.asked == []
