"""Chats, the log, replays, benches and coding agents as a person and a script meet them: real processes.

The fake engine answers with what it was asked, and “write for ever” without an end.
"""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lms.logbus import kept
from lms.logbus.records import RecordedRequest
from tests.real.conftest import Lms, clean_up, new_lms
from tests.real.terminals import read

pytestmark = pytest.mark.real

WAIT_S = 30
# Pasting is switched on once for each prompt, which is drawn more often.
PROMPT = b"\x1b[?2004h"


@pytest.fixture(scope="module")
def lms() -> Iterator[Lms]:
    """One home with the fake engine, where everything is recorded."""
    command = new_lms(fake_engine=True)
    command = replace(command, environ=command.environ | {"LMS_RECORD": "1", "TERM": "xterm"})
    command("daemon", "up")
    yield command
    clean_up(command)


def piped(lms: Lms, text: bytes | None, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run it with `text` piped in; None: stdin is closed."""
    words = [sys.executable, "-m", "lms", *arguments]
    if text is None:
        words = ["sh", "-c", 'exec "$@" <&-', "sh", *words]
    return subprocess.run(words, env=lms.environ, input=text, capture_output=True, timeout=WAIT_S)


def test_a_question_in_a_pipe_gets_its_answer_and_no_escape_sequence(lms: Lms) -> None:
    done = piped(lms, b"hello", "chat", "tiny-chat")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"\n")
    assert len(done.stdout) > 1
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize(("text", "code"), [(None, 2), (b"", 2), (b"\xff\xfe", 2)])
def test_without_a_question_in_text_it_ends_with_2(lms: Lms, text: bytes | None, code: int) -> None:
    done = piped(lms, text, "chat", "tiny-chat")
    assert (done.returncode, done.stdout) == (code, b"")
    assert b"Error: " in done.stderr


def test_with_stdin_closed_the_prompt_is_enough(lms: Lms) -> None:
    done = piped(lms, None, "chat", "tiny-chat", "-p", "hello", "--json")
    assert json.loads(done.stdout)["stats"]["predictedTokensCount"] > 0


@pytest.mark.timeout(WAIT_S)
def test_a_chat_on_a_terminal_is_held_saved_and_continued(lms: Lms) -> None:
    shown = typed(lms, ["chat", "tiny-chat"], ["good morning", "/exit"])
    assert "Chatting with tiny-chat" in shown
    [chat] = json.loads(lms("chat", "--list", "--json").stdout)
    assert (chat["title"], chat["messages"]) == ("good morning", 3)
    assert "good morning" in typed(lms, ["chat", "--continue"], ["/exit"])
    lms("chat", "--delete", chat["id"])


@pytest.mark.timeout(WAIT_S)
def test_ctrl_c_on_a_terminal_ends_the_answer_and_not_the_chat(lms: Lms) -> None:
    shown = typed(lms, ["chat", "tiny-chat"], ["write for ever", "/exit"], interrupt_at=b" 40 ")
    assert "[Stopped]" in shown
    assert [row.running for row in lms.client.instances()] == [0]


@pytest.mark.timeout(WAIT_S)
def test_a_terminal_echoes_nothing_into_an_answer_and_again_behind_it(lms: Lms) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(
            sys.executable, [sys.executable, "-m", "lms", "chat", "tiny-chat", "-p", "write for ever"], lms.environ
        )
    shown, echoed = b"", True
    while received := read(terminal):
        shown += received
        if echoed and b" 40 " in shown:
            echoed = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
            os.write(terminal, b"abc\x03")
    assert (os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), echoed) == (130, False)
    assert termios.tcgetattr(terminal)[3] & termios.ECHO
    os.close(terminal)
    assert b"abc" not in shown
    assert b"^C" not in shown


@pytest.mark.timeout(WAIT_S)
@pytest.mark.parametrize("elsewhere", ["1>/dev/null", "2>/dev/null"])
def test_one_stream_of_a_chat_may_go_elsewhere_and_the_prompt_is_seen(lms: Lms, elsewhere: str) -> None:
    program = ("sh", "-c", f'exec "$0" -m lms "$@" {elsewhere}', sys.executable)
    assert "› " in typed(lms, ["chat", "tiny-chat"], ["hello", "/exit"], program=program)


def typed(
    lms: Lms,
    words: list[str],
    lines: list[str],
    interrupt_at: bytes | None = None,
    program: tuple[str, ...] = (sys.executable, "-m", "lms"),
) -> str:
    """What a terminal shows when somebody types a line whenever the prompt is there, and Ctrl-C when that is shown.
    The command must end well.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(program[0], [*program, *words], lms.environ)
    shown, answered = b"", 0
    while received := read(terminal):
        shown += received
        if b"\x1b[6n" in received:  # where is the cursor?
            os.write(terminal, b"\x1b[1;1R")
        if interrupt_at is not None and interrupt_at in shown:
            os.write(terminal, b"\x03")
            interrupt_at = None
        if lines and shown.count(PROMPT) > answered:
            answered += 1
            os.write(terminal, f"{lines.pop(0)}\r".encode())
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return shown.decode()


def test_a_recorded_request_is_listed_shown_and_sent_again(lms: Lms) -> None:
    first = lms("chat", "tiny-chat", "-p", "once upon a time", "--json").stdout
    recorded = [
        record.data
        for record in kept.read(lms.home.events)
        if isinstance(record.data, RecordedRequest) and "once upon a time" in record.data.body
    ]
    assert recorded[-1].id in lms("replay").stdout
    replayed = lms("replay", recorded[-1].id).stdout
    chunks = [json.loads(line.removeprefix("data: ")) for line in replayed.splitlines() if line.startswith("data: {")]
    text = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert text == json.loads(first)["content"]
    assert "once upon a time" in lms("log", "show", "-s", "model", "--since", "1h").stdout


def test_requests_to_the_server_are_recorded_too(lms: Lms) -> None:
    from urllib.request import Request, urlopen

    lms("server", "start", "--port", "0")
    port = json.loads(lms("server", "status", "--json").stdout)["port"]
    body = json.dumps({"model": "tiny-chat", "prompt": "from outside", "max_tokens": 3}).encode()
    asked = Request(f"http://127.0.0.1:{port}/v1/completions", body, {"X-Request-Id": "mine-1"})
    with urlopen(asked, timeout=WAIT_S) as reply:
        assert reply.status == 200
    assert json.loads(lms("replay", "mine-1").stdout)["object"] == "text_completion"
    lms("server", "stop")


def test_nothing_private_is_on_disk_without_recording(fake_lms: Lms) -> None:
    fake_lms("chat", "tiny-chat", "-p", "a deep secret")
    fake_lms("daemon", "down")
    files = [path for path in fake_lms.home.root.rglob("*") if path.is_file() and "prompt-cache" not in str(path)]
    assert any(path.name == "events.jsonl" for path in files)
    assert not [path for path in files if b"deep secret" in path.read_bytes()]


def test_a_tool_is_started_in_our_place_with_what_it_needs(lms: Lms, tmp_path: Path) -> None:
    tool = tmp_path / "aider"
    tool.write_text('#!/bin/sh\necho "$LM_STUDIO_API_BASE"; printf "%s\\n" "$@"; exit 7\n')
    tool.chmod(0o755)
    environ = lms.environ | {"PATH": f"{tmp_path}:{lms.environ['PATH']}"}
    done = replace(lms, environ=environ)("launch", "aider", "-m", "tiny-chat", "--", "--message", "hi", check=False)
    base, *words = done.stdout.splitlines()
    assert done.returncode == 7
    assert base.startswith("http://127.0.0.1:")
    assert words == ["--model", "lm_studio/tiny-chat", "--message", "hi"]


def test_a_bench_asks_for_all_its_streams(lms: Lms) -> None:
    shape = json.loads(lms("bench", "tiny-chat", "--streams", "1,3", "--tokens", "4", "--json").stdout)
    assert [result["streams"] for result in shape["results"]] == [1, 3]
    assert all(result["tokensPerSecondAll"] > 0 for result in shape["results"])


def test_ps_shows_how_an_answer_in_work_gets_on(fake_lms: Lms) -> None:
    slow = replace(fake_lms, environ=fake_lms.environ | {"LMS_FAKE_TOKEN_MS": "5"})
    slow("load", "tiny-chat")
    asking = slow.start("chat", "-p", "write for ever")
    client = slow.client
    while not [pace for pace in client.paces() if pace.tokens > 0]:
        assert asking.poll() is None
    [model] = json.loads(slow("ps", "--json").stdout)
    assert model["status"] == "generating"
    assert model["tokensPerSecond"] > 0
    assert model["contextUsed"] > 0
    asking.send_signal(signal.SIGINT)
    asking.communicate(timeout=WAIT_S)


def test_top_in_a_pipe_ends_well_with_sigterm(lms: Lms) -> None:
    lms("chat", "tiny-chat", "-p", "hello")
    watching = lms.start("top", "--json")
    assert watching.stdout is not None
    [model] = json.loads(watching.stdout.readline())["models"]
    assert model["contextUsed"] > 0
    watching.send_signal(signal.SIGTERM)
    watching.communicate(timeout=WAIT_S)
    assert watching.returncode == 0


def test_ctrl_c_ends_a_question_with_130_and_its_answer(lms: Lms) -> None:
    asking = lms.start("chat", "tiny-chat", "-p", "write for ever")
    assert asking.stdout is not None
    assert asking.stdout.read(1)
    asking.send_signal(signal.SIGINT)
    asking.communicate(timeout=WAIT_S)
    assert asking.returncode == 130
