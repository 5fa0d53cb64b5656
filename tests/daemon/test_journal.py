"""What the daemon writes into its own log."""

import subprocess
import sys
from pathlib import Path

import pytest

from lms.daemon.journal import line, write
from lms.logbus.records import LogData, LogRecord, PredictionInput, RuntimeLog, ServerLog

WRITTEN: list[tuple[LogData, str | None]] = [
    (RuntimeLog("info", "ready", "llama", "1", "gguf", "tiny"), "[info] tiny: ready"),
    (RuntimeLog("warn", "started late", "lms", "1", "daemon"), "[warn] started late"),
    (RuntimeLog("debug", "ggml chatter", "llama", "1", "gguf", "tiny"), None),
    (ServerLog("it broke", "error"), "[error] it broke"),
    (ServerLog("GET /v1/models 200", "info"), None),
    (PredictionInput("a secret", "path", "tiny"), None),
]


@pytest.mark.parametrize(("data", "text"), WRITTEN)
def test_only_what_concerns_the_daemon_is_written(data: LogData, text: str | None) -> None:
    written = line(LogRecord(0, data))
    assert (written and written[20:]) == text


def test_a_line_is_written_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    write(LogRecord(0, ServerLog("it broke", "error")))
    write(LogRecord(0, ServerLog("GET /", "info")))
    assert capfd.readouterr().err.splitlines()[0].endswith("[error] it broke")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_costs_the_line_and_nothing_else() -> None:
    program = (
        "from lms.daemon.journal import write; from lms.logbus.records import LogRecord, ServerLog\n"
        "for _ in range(2): write(LogRecord(0, ServerLog('it broke', 'error'))); print('goes on')"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.stdout == "goes on\ngoes on\n"
