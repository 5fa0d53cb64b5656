import pytest

from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon

WANTED = "Type a number from 1 to 2, or a part of a name, or q to leave.\n"


@pytest.fixture
def asked(lms: Terminal) -> Terminal:
    """Somebody at a terminal; `lms load t` could mean two models."""
    lms.is_tty = True
    lms.environ["NO_COLOR"] = "1"
    return lms


@pytest.mark.parametrize("wrong", ["", "0", "3", "z", "-1", "1.0", "9" * 5000])
def test_a_wrong_answer_is_told_what_is_wanted_and_asked_again(asked: Terminal, daemon: FakeDaemon, wrong: str) -> None:
    asked.keys = f"{wrong}\n2\n"
    ended = asked.type("load", "t")
    assert (ended.code, daemon.requests[0].model) == (0, "tiny-chat")
    assert f"Number (1-2): {WANTED}Number (1-2): " in ended.err


def test_a_part_of_a_name_that_no_other_has_is_enough(asked: Terminal, daemon: FakeDaemon) -> None:
    asked.keys = "CHAT\n"
    assert (asked.type("load", "t").code, daemon.requests[0].model) == (0, "tiny-chat")


def test_a_part_that_several_have_shows_these_under_their_numbers(asked: Terminal, daemon: FakeDaemon) -> None:
    asked.keys = "tiny\nembed\n"
    ended = asked.type("load")
    assert (ended.code, daemon.requests[0].model) == (0, "text-embedding-tiny")
    first, second, _ = ended.err.split("Number (")
    assert "qwen3-4b" in first
    assert "qwen3-4b" not in second
    for key in ("text-embedding-tiny", "tiny-chat"):
        line = next(line for line in first.splitlines() if key in line)
        assert line in second


@pytest.mark.parametrize("word", ["q", " Q "])
def test_q_leaves_as_ctrl_c_does(asked: Terminal, daemon: FakeDaemon, word: str) -> None:
    asked.keys = f"{word}\n"
    ended = asked.type("load", "t")
    assert (ended.code, daemon.requests) == (130, [])
    assert WANTED not in ended.err


def test_the_end_of_the_input_is_a_failure(asked: Terminal) -> None:
    assert asked.type("load", "t").code == 1
