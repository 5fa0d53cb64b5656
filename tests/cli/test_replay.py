"""`lms log show` and `lms replay`: what is read from the files of events."""

import json
import time

import pytest

from lms.cli.moments import moment
from lms.errors import UsageError
from lms.logbus.kept import KeptLog
from lms.logbus.records import (
    LogData,
    LogRecord,
    OutputStats,
    PredictionInput,
    PredictionOutput,
    RecordedRequest,
    RuntimeLog,
    ServerLog,
)
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon

NOW_MS = time.time_ns() // 1_000_000
HOUR_MS = 3_600_000
EVENTS: list[tuple[int, LogData]] = [
    (3 * HOUR_MS, ServerLog("GET /v1/models 200 1 ms", "info")),
    (2 * HOUR_MS, PredictionInput("hi", "lms/tiny.gguf", "tiny-chat")),
    (2 * HOUR_MS, PredictionOutput("hello", "tiny-chat", OutputStats("eosFound"))),
    (HOUR_MS // 2, RuntimeLog("warn", "slow", "llama.cpp", "0.3", "gguf")),
    (HOUR_MS // 3, RuntimeLog("info", "print_info: arch = llama", "llama.cpp", "0.3", "gguf", "tiny-chat", 9)),
    (0, RecordedRequest("req_12ab", "/v1/embeddings", '{"input": "x"}')),
    (0, RecordedRequest("req_12cd", "/v1/chat/completions", "{}")),
]


@pytest.fixture
def recorded(lms: Terminal) -> Terminal:
    log = KeptLog(lms.home.events, 1 << 20, private=True)
    for ago_ms, data in EVENTS:
        log.heard(LogRecord(NOW_MS - ago_ms, data))
    log.close()
    return lms


def kinds(out: str) -> list[str]:
    return [json.loads(line)["data"]["type"] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ([], ["server.log", "llm.prediction.input", "llm.prediction.output", "runtime.log"]),
        (["--since", "1h"], ["runtime.log"]),
        (["-s", "model"], ["llm.prediction.input", "llm.prediction.output"]),
        (["-s", "model", "--filter", "output", "--since", "1d"], ["llm.prediction.output"]),
        (["-s", "server", "--since", "2h"], []),
        (["-s", "runtime"], ["runtime.log", "runtime.log"]),
    ],
)
def test_log_show_chooses_by_flags(recorded: Terminal, flags: list[str], shown: list[str]) -> None:
    assert kinds(recorded.type("log", "show", "--json", *flags).out) == shown


def test_log_show_says_when_and_asks_no_daemon(recorded: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = recorded.type("log", "show", "--stats")
    lines = ended.out.splitlines()
    assert (ended.code, recorded.started) == (0, 0)
    assert lines[0].startswith("20")
    assert lines[0].endswith(" GET /v1/models 200 1 ms")
    assert "  stopReason: eosFound" in lines


def test_without_a_log_nothing_is_shown(lms: Terminal) -> None:
    assert (lms.type("log", "show").code, lms.type("log", "show").out) == (0, "")


@pytest.mark.parametrize("flags", [["--since", "soon"], ["-s", "all", "--filter", "input"], ["-s", "everything"]])
def test_flags_that_make_no_sense_end_with_2(recorded: Terminal, flags: list[str]) -> None:
    assert recorded.type("log", "show", *flags).code == 2


@pytest.mark.parametrize(
    ("typed", "ago_s"), [("90s", 90), ("10m", 600), ("2h", 7200), ("3 d", 259_200), ("1W", 604_800)]
)
def test_moments_may_be_so_long_ago(typed: str, ago_s: int) -> None:
    assert moment("--since", typed, 1e9) == 1e9 - ago_s


def test_moments_may_be_dates() -> None:
    assert moment("--since", "2001-09-09T01:46:40Z", 0) == 1e9
    assert moment("--since", "2026-01-31", 0) == time.mktime((2026, 1, 31, 0, 0, 0, 0, 0, -1))


@pytest.mark.parametrize("typed", ["", "1y", "-1h", "31.1.2026", "99999999999h"])
def test_other_words_are_no_moments(typed: str) -> None:
    with pytest.raises(UsageError):
        moment("--since", typed, 0)


def test_a_recorded_request_is_sent_again(recorded: Terminal) -> None:
    ended = recorded.type("replay", "req_12ab")
    assert (ended.code, ended.out) == (0, '/v1/embeddings was asked {"input": "x"}\n')
    assert recorded.type("replay", "req_12c").out == "/v1/chat/completions was asked {}\n"


@pytest.mark.parametrize("typed", ["req_12", "req_9"])
def test_an_id_that_names_none_or_several_sends_nothing(recorded: Terminal, typed: str) -> None:
    ended = recorded.type("replay", typed)
    assert (ended.code, ended.out) == (1, "")


def test_recorded_requests_are_listed(recorded: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    assert [row["id"] for row in recorded.type("replay", "--json").json] == ["req_12ab", "req_12cd"]
    assert "/v1/embeddings" in recorded.type("replay").out
    assert recorded.started == 0


def test_where_nothing_is_recorded_the_setting_is_named(lms: Terminal) -> None:
    assert "LMS_RECORD" in lms.type("replay").err
    assert "record" in lms.type("replay", "req_1").err
