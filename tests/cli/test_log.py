"""`lms log stream` over a daemon that has a few events to tell."""

import json

import pytest

from lms.errors import DaemonUnreachable
from lms.logbus.records import (
    LogRecord,
    Missed,
    OutputStats,
    PredictionInput,
    PredictionOutput,
    RuntimeLog,
    ServerLog,
)
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon

ASKED = LogRecord(1_790_000_000_000, PredictionInput("<|im_start|>user\nhi", "lms/tiny.gguf", "tiny-chat"))
STATS = OutputStats("eosFound", tokens_per_second=51.5, predicted_tokens_count=3)
ANSWERED = LogRecord(1_790_000_001_000, PredictionOutput("hello", "tiny-chat", STATS))
SERVED = LogRecord(1_790_000_002_000, ServerLog("POST /v1/chat/completions 200", "info"))
RAN = LogRecord(1_790_000_003_000, RuntimeLog("warn", "slow\ndisk", "llama.cpp", "0.3", "gguf", "tiny-chat", 99))
LOST = LogRecord(1_790_000_004_000, Missed(7))


@pytest.fixture
def watched(lms: Terminal, daemon: FakeDaemon) -> Terminal:
    """Ctrl-C comes after the last event."""
    daemon.records = [ASKED, ANSWERED, SERVED, RAN]
    daemon.log_end = KeyboardInterrupt()
    return lms


def kinds(out: str) -> list[str]:
    return [json.loads(line)["data"]["type"] for line in out.splitlines()]


def test_ctrl_c_is_a_good_end(watched: Terminal) -> None:
    ended = watched.type("log", "stream")
    assert (ended.code, ended.err) == (0, "Streaming logs. Ctrl-C ends it.\n\n")


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ([], ["llm.prediction.input", "llm.prediction.output"]),
        (["--filter", "input"], ["llm.prediction.input"]),
        (["--filter", " output "], ["llm.prediction.output"]),
        (["--filter", "output, input"], ["llm.prediction.input", "llm.prediction.output"]),
        (["-s", "server"], ["server.log"]),
        (["--source", "runtime"], ["runtime.log"]),
    ],
)
def test_flags_choose_the_events(watched: Terminal, flags: list[str], shown: list[str]) -> None:
    assert kinds(watched.type("log", "stream", "--json", *flags).out) == shown


def test_ndjson_is_lm_studios_event_with_camel_case_stats(watched: Terminal) -> None:
    line = watched.type("log", "stream", "--json", "--filter", "output").out
    assert json.loads(line) == {
        "timestamp": 1_790_000_001_000,
        "data": {
            "type": "llm.prediction.output",
            "output": "hello",
            "modelIdentifier": "tiny-chat",
            "stats": {"stopReason": "eosFound", "tokensPerSecond": 51.5, "predictedTokensCount": 3},
        },
    }


def test_text_of_a_prompt(watched: Terminal) -> None:
    first, *rest = watched.type("log", "stream", "--filter", "input").out.splitlines()
    assert first.startswith("timestamp: 20")
    assert rest == [
        "type: llm.prediction.input",
        "modelIdentifier: tiny-chat",
        "modelPath: lms/tiny.gguf",
        "input:",
        "<|im_start|>user",
        "hi",
        "",
        "",
    ]


def test_stats_are_shown_when_asked_for(watched: Terminal) -> None:
    without = watched.type("log", "stream", "--filter", "output").out
    with_ = watched.type("log", "stream", "--filter", "output", "--stats").out
    assert "eosFound" not in without
    assert "output:\nhello\nstats:\n  stopReason: eosFound\n  tokensPerSecond: 51.5\n" in with_


def test_an_answer_without_stats_says_so(watched: Terminal, daemon: FakeDaemon) -> None:
    daemon.records = [LogRecord(1, PredictionOutput("hello", "tiny-chat"))]
    assert "stats: none" in watched.type("log", "stream", "--stats").out


def test_server_lines_are_printed_as_they_are(watched: Terminal) -> None:
    assert watched.type("log", "stream", "-s", "server").out == "POST /v1/chat/completions 200\n"


def test_a_runtime_event_is_one_line(watched: Terminal) -> None:
    out = watched.type("log", "stream", "-s", "runtime").out
    assert out == "[WARN] llama.cpp@0.3 (gguf) tiny-chat pid=99 slow disk\n"


@pytest.mark.parametrize("source", ["model", "server", "runtime"])
def test_missed_events_are_told_whatever_is_watched(watched: Terminal, daemon: FakeDaemon, source: str) -> None:
    daemon.records = [LOST]
    assert watched.type("log", "stream", "-s", source).out == "… 7 events missed\n"
    assert kinds(watched.type("log", "stream", "-s", source, "--json").out) == ["log.missed"]


@pytest.mark.parametrize(
    "flags",
    [
        ["-s", "everything"],
        ["-s", "server", "--filter", "input"],
        ["-s", "runtime", "--stats"],
        ["--filter", ""],
        ["--filter", "input,"],
        ["--filter", "thoughts"],
    ],
)
def test_flags_that_make_no_sense_end_with_2_and_start_nothing(
    lms: Terminal, daemon: FakeDaemon, flags: list[str]
) -> None:
    daemon.on = False
    ended = lms.type("log", "stream", *flags)
    assert (ended.code, ended.out, lms.started) == (2, "", 0)


@pytest.mark.parametrize("end", [None, DaemonUnreachable("The daemon has gone.")])
def test_a_daemon_that_goes_away_is_a_failure(lms: Terminal, daemon: FakeDaemon, end: BaseException | None) -> None:
    daemon.records, daemon.log_end = [ASKED], end
    assert lms.type("log", "stream").code == 1
