import pytest

from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon

WANTED = "Type a number from 1 to 2, or q to leave.\n"


@pytest.fixture
def asked(lms: Terminal) -> Terminal:
    """Somebody at a terminal; `lms load t` could mean two models."""
    lms.is_tty = True
    lms.environ["NO_COLOR"] = "1"
    return lms


@pytest.mark.parametrize("wrong", ["", "0", "3", "x", "-1", "1.0", "9" * 5000])
def test_a_wrong_answer_is_told_what_is_wanted_and_asked_again(asked: Terminal, daemon: FakeDaemon, wrong: str) -> None:
    asked.keys = f"{wrong}\n2\n"
    ended = asked.type("load", "t")
    assert (ended.code, daemon.requests[0].model) == (0, "tiny-chat")
    assert f"Number (1-2): {WANTED}Number (1-2): " in ended.err


@pytest.mark.parametrize("word", ["q", " Q "])
def test_q_leaves_as_ctrl_c_does(asked: Terminal, daemon: FakeDaemon, word: str) -> None:
    asked.keys = f"{word}\n"
    ended = asked.type("load", "t")
    assert (ended.code, daemon.requests) == (130, [])
    assert WANTED not in ended.err


def test_the_end_of_the_input_is_a_failure(asked: Terminal) -> None:
    assert asked.type("load", "t").code == 1
