"""The command line as a person and a script meet it: pipes, terminals, Ctrl-C. Real processes, the fake engine."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lms.client.control import LoadRequest
from tests.real.conftest import Lms, clean_up, new_lms
from tests.real.terminals import on_a_terminal

pytestmark = pytest.mark.real

WAIT_S = 15.0
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def shared() -> Iterator[Lms]:
    """One home with the fake engine for all tests that leave nothing loaded. Colours are not switched off in it."""
    command = new_lms(fake_engine=True)
    environ = {name: value for name, value in command.environ.items() if name != "NO_COLOR"}
    command("daemon", "up")
    yield replace(command, environ=environ | {"TERM": "xterm-256color"})
    clean_up(command)


@pytest.fixture
def lms(shared: Lms) -> Iterator[Lms]:
    yield shared
    shared("unload", "--all")


def load(lms: Lms, key: str = "tiny-chat") -> None:
    for _ in lms.client.load(LoadRequest(key)):
        pass


# Each command by itself has a row in test_every_command.py.
COMMANDS = (
    "ls --variants", "ls tiny-chat", "load tiny-chat --estimate-only", "load nothing-like-it", "load --gpu auto",
    "server", "load --help",
)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS)
def test_nothing_in_a_pipe_has_an_escape_sequence(lms: Lms, words: str) -> None:
    done = lms(*words.split(), check=False)
    assert done.stdout + done.stderr
    assert ESCAPE not in done.stdout + done.stderr


JSON_COMMANDS = ("ls --variants", "ls tiny-chat", "load tiny-chat --estimate-only")


@pytest.mark.parametrize("words", JSON_COMMANDS)
def test_json_is_alone_on_stdout(lms: Lms, words: str) -> None:
    done = lms(*words.split(), "--json")
    assert isinstance(json.loads(done.stdout), dict | list)
    assert done.stdout.count("\n") == 1


def test_json_that_failed_leaves_stdout_empty(lms: Lms) -> None:
    done = lms("load", "nothing-like-it", "--json", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr)["error"]["code"] == "model_not_found"


def test_on_a_terminal_there_is_a_table_in_colour(lms: Lms) -> None:
    load(lms)
    code, shown = on_a_terminal(lms, "ls")
    assert code == 0
    assert "\x1b[32m✓ LOADED" in shown


def test_no_color_is_obeyed_on_a_terminal(lms: Lms) -> None:
    load(lms)
    code, shown = on_a_terminal(replace(lms, environ=lms.environ | {"NO_COLOR": "1"}), "ps")
    assert code == 0
    assert "tiny-chat" in shown
    assert ESCAPE not in shown


def test_force_color_is_obeyed_in_a_pipe(lms: Lms) -> None:
    done = replace(lms, environ=lms.environ | {"FORCE_COLOR": "1"})("load", "nothing-like-it", check=False)
    assert "\x1b[31mError: \x1b[0m" in done.stderr


def test_a_load_on_a_terminal_shows_its_progress_and_says_the_identifier(lms: Lms) -> None:
    code, shown = on_a_terminal(lms, "load", "tiny-chat")
    assert code == 0
    assert "Loading tiny-chat" in shown
    assert "Use this identifier in the API" in shown


def test_a_person_is_asked_which_model_is_meant(lms: Lms) -> None:
    code, shown = on_a_terminal(lms, "load", "t", replies={b"): ": b"2\n"})
    assert "1  text-embedding-tiny" in shown
    assert code == 0
    assert [row.identifier for row in lms.client.instances()] == ["tiny-chat"]


def test_ctrl_c_at_the_question_ends_with_130(lms: Lms) -> None:
    code, shown = on_a_terminal(lms, "load", "t", replies={b"): ": b"\x03"})
    assert code == 130
    assert "Traceback" not in shown


def test_a_script_gets_the_candidates_and_2(lms: Lms) -> None:
    done = lms("load", "t", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "text-embedding-tiny, tiny-chat" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_log_stream_with_0(lms: Lms, number: signal.Signals) -> None:
    with lms.start("log", "stream", "-s", "runtime", "--json") as stream:
        assert stream.stderr
        assert stream.stdout
        assert stream.stderr.readline() == "Streaming logs. Ctrl-C ends it.\n"
        load(lms)
        assert json.loads(stream.stdout.readline())["data"]["type"] == "runtime.log"
        stream.send_signal(number)
        assert stream.stderr.read() == "\n"
        assert stream.wait(WAIT_S) == 0


def test_a_log_stream_in_the_background_of_a_script_ends_with_0_on_sigint(lms: Lms) -> None:
    script = '"$0" -m lms log stream & read -r line; kill -INT $!; wait $!'
    with subprocess.Popen(
        ["sh", "-c", script, sys.executable],
        env=lms.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as shell:  # fmt: skip
        assert shell.stderr
        assert shell.stdin
        assert shell.stderr.readline() == "Streaming logs. Ctrl-C ends it.\n"
        shell.stdin.write("now\n")
        shell.stdin.flush()
        assert shell.wait(WAIT_S) == 0


def test_a_reader_who_leaves_ends_the_log_stream_at_once_and_quietly(lms: Lms) -> None:
    with lms.start("log", "stream") as stream:
        assert stream.stderr
        assert stream.stdout
        stream.stderr.readline()
        stream.stdout.close()
        assert stream.stderr.read() == "\n"
        assert stream.wait(WAIT_S) == 0


def test_a_daemon_that_ends_ends_the_log_stream_with_1(fake_lms: Lms) -> None:
    fake_lms("daemon", "up")
    stream = fake_lms.start("log", "stream")
    assert stream.stderr
    stream.stderr.readline()
    fake_lms("daemon", "down")
    _, err = stream.communicate(timeout=WAIT_S)
    assert stream.returncode == 1
    assert "Error: " in err


def test_head_leaves_early_and_nobody_complains(lms: Lms) -> None:
    words = ["bash", "-o", "pipefail", "-c", '"$0" -m lms ls | head -n 1', sys.executable]
    done = subprocess.run(words, env=lms.environ, capture_output=True, text=True, timeout=WAIT_S)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_told_and_is_a_failure(lms: Lms) -> None:
    words = ["bash", "-c", '"$0" -m lms ls > /dev/full', sys.executable]
    done = subprocess.run(words, env=lms.environ, capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(lms: Lms, closed: str) -> None:
    words = ["bash", "-c", f'"$0" -m lms ls {closed}', sys.executable]
    done = subprocess.run(words, env=lms.environ, capture_output=True, text=True, timeout=WAIT_S)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", ["runtime survey", "service status", "service install --print", "login"])
def test_a_terminal_and_closed_streams_are_the_same_to_commands_that_ask_nothing(lms: Lms, words: str) -> None:
    piped = lms(*words.split(), check=False)
    assert on_a_terminal(lms, *words.split())[0] == piped.returncode
    closed = subprocess.run(
        ["bash", "-c", f'"$0" -m lms {words} <&- >&-', sys.executable], env=lms.environ, timeout=WAIT_S, check=False
    )
    assert closed.returncode == piped.returncode


def test_ctrl_c_cancels_a_load(fake_lms: Lms) -> None:
    slow = replace(fake_lms, environ=fake_lms.environ | {"LMS_FAKE_TOKEN_MS": "60000"})
    slow("daemon", "up")
    loading = slow.start("load", "tiny-chat")
    while not fake_lms.client.instances():  # the daemon answers in a millisecond or two
        assert loading.poll() is None
    loading.send_signal(signal.SIGINT)
    out, err = loading.communicate(timeout=WAIT_S)
    assert (loading.returncode, out, err) == (130, "", "Cancelled: nothing was loaded.\n")
    deadline_s = time.monotonic() + WAIT_S
    while fake_lms.client.instances():  # the engine is being ended
        assert time.monotonic() < deadline_s


def test_down_and_up_again_is_a_new_daemon(fake_lms: Lms) -> None:
    first = json.loads(fake_lms("daemon", "up", "--json").stdout)["pid"]
    fake_lms("daemon", "down")
    assert json.loads(fake_lms("daemon", "status", "--json").stdout) == {"status": "not-running"}
    assert json.loads(fake_lms("daemon", "up", "--json").stdout)["pid"] != first
