from lms import __version__
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import PID, FakeDaemon


def test_up_starts_the_daemon(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("daemon", "up")
    assert (ended.code, ended.out, lms.started) == (0, "", 1)
    assert ended.err == f"The lms daemon has started (PID: {PID}).\n"


def test_up_again_says_that_it_runs(lms: Terminal) -> None:
    assert lms.type("daemon", "up").err == f"The lms daemon is already running (PID: {PID}).\n"


def test_up_prints_the_version_in_json_and_status_does_not(lms: Terminal) -> None:
    running = {"status": "running", "pid": PID, "isDaemon": True}
    assert lms.type("daemon", "up", "--json").json == running | {"version": __version__}
    assert lms.type("daemon", "status", "--json").json == running


def test_status_starts_nothing_and_ends_with_0(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    text, shape = lms.type("daemon", "status"), lms.type("daemon", "status", "--json")
    assert (text.code, text.out) == (0, "The lms daemon is not running.\n")
    assert (shape.code, shape.json) == (0, {"status": "not-running"})
    assert lms.started == 0


def test_status_of_a_running_daemon(lms: Terminal) -> None:
    assert lms.type("daemon", "status").out == f"lms v{__version__} is running (PID: {PID}).\n"


def test_down_stops_it_once(lms: Terminal) -> None:
    first, second = lms.type("daemon", "down"), lms.type("daemon", "down")
    assert (first.code, first.out, first.err) == (0, "", "The lms daemon has stopped.\n")
    assert second.code == 1
    assert "not running" in second.err


def test_down_in_json(lms: Terminal) -> None:
    assert lms.type("daemon", "down", "--json").json == {"status": "not-running"}


def test_update_says_how_and_that_nothing_was_done(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("daemon", "update")
    assert (ended.code, ended.out, lms.started) == (1, "", 0)
    assert "Run: lms daemon down; " in ended.err
    assert "; lms daemon up\n" in ended.err


def test_a_channel_of_updates_is_refused(lms: Terminal) -> None:
    assert lms.type("daemon", "update", "--beta").code == 2
