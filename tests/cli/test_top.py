"""`lms top` over a daemon that stands still."""

import os

import pytest
from msgspec.structs import replace

from lms.client.control import Pace
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


@pytest.fixture
def busy(lms: Terminal, daemon: FakeDaemon) -> Terminal:
    lms.type("load", "tiny-chat")
    daemon.loaded[0] = replace(daemon.loaded[0], pid=os.getpid(), memory_bytes=3 << 20, running=1, queued=2)
    daemon.pace = [Pace("tiny-chat", 3, 90, 51.25, 812)]
    return lms


def test_one_look_in_a_pipe_is_a_summary_and_a_table(busy: Terminal) -> None:
    ended = busy.type("top", "-n", "1")
    summary, headers, row = ended.out.splitlines()[:3]
    assert (ended.code, ended.err) == (0, "")
    assert summary.startswith("1 model · 1 request in work, 2 waiting · 0.0 tokens/s · ")
    assert headers.split()[-2:] == ["MEMORY", "CPU"]
    assert row.split()[-6:] == ["2", "51.2", "812", "3.00", "MiB", "0%"]


def test_json_is_a_line_for_each_look(busy: Terminal) -> None:
    look = busy.type("top", "-n", "1", "--json").json
    [model] = look["models"]
    assert look["tokensPerSecond"] == 0
    assert look["availableMemoryBytes"] > 0
    assert (model["identifier"], model["waiting"], model["memoryBytes"]) == ("tiny-chat", 2, 3 << 20)


def test_a_screen_of_its_own_is_left_again_and_the_last_look_stays(busy: Terminal) -> None:
    busy.is_tty = True
    before, _, screen = busy.type("top", "-n", "1").out.partition("\x1b[?1049h")
    shown, _, left = screen.partition("\x1b[?1049l")
    assert before == ""
    assert "tiny-chat" in shown
    assert "1 request in work" in left
    assert "tiny-chat" in left


def test_ctrl_c_is_a_good_end(busy: Terminal, daemon: FakeDaemon) -> None:
    def interrupted() -> list[Pace]:
        raise KeyboardInterrupt

    daemon.paces = interrupted  # type: ignore[method-assign]
    assert busy.type("top").code == 0


def test_with_nothing_loaded_the_summary_says_so(lms: Terminal) -> None:
    assert lms.type("top", "-n", "1").out.startswith("0 models · ")


def test_a_process_that_is_gone_takes_nothing(busy: Terminal, daemon: FakeDaemon) -> None:
    daemon.loaded[0] = replace(daemon.loaded[0], pid=2**22 + 1)
    assert busy.type("top", "-n", "1").code == 0


@pytest.mark.parametrize("flags", [["--interval", "0"], ["-n", "0"], ["-n", "many"]])
def test_flags_that_make_no_sense_end_with_2(busy: Terminal, flags: list[str]) -> None:
    assert busy.type("top", *flags).code == 2
