"""Events on disk: which, how many bytes of them, and who may read them."""

import stat
from pathlib import Path

import pytest

from lms.logbus.kept import FILES, KeptLog, read
from lms.logbus.records import (
    AnswersInWork,
    EmbeddingOutput,
    LogData,
    LogRecord,
    PredictionInput,
    PredictionOutput,
    RecordedRequest,
    RuntimeLog,
    ServerLog,
)

MIB = 1 << 20
SECRETS: list[LogData] = [
    PredictionInput("a secret", "path", "tiny"),
    PredictionOutput("a secret", "tiny"),
    RecordedRequest("req_1", "/v1/chat/completions", "a secret"),
]
SAID: list[LogData] = [RuntimeLog("info", "ready", "llama", "1", "gguf"), ServerLog("GET / 200", "info")]
NOISE: list[LogData] = [
    RuntimeLog("debug", "chatter", "llama", "1", "gguf"),
    EmbeddingOutput("tiny", 3),
    AnswersInWork("tiny", 3, 1.5, 9),
]


def kept(folder: Path, events: list[LogData], *, limit_bytes: int = MIB, private: bool = False) -> list[LogData]:
    log = KeptLog(folder, limit_bytes, private)
    for number, data in enumerate(events):
        log.heard(LogRecord(number, data))
    log.close()
    return [record.data for record in read(folder)]


def test_prompts_answers_and_requests_are_not_kept_unless_that_was_wished_for(tmp_path: Path) -> None:
    assert kept(tmp_path / "a", [*SECRETS, *SAID, *NOISE]) == SAID
    assert b"secret" not in b"".join(path.read_bytes() for path in (tmp_path / "a").iterdir())
    assert kept(tmp_path / "b", [*SECRETS, *SAID, *NOISE], private=True) == [*SECRETS, *SAID]


def test_the_files_take_no_more_than_the_limit_and_the_newest_stay(tmp_path: Path) -> None:
    events: list[LogData] = [ServerLog(f"{number:06d} {'x' * 1000}", "info") for number in range(2000)]
    found = kept(tmp_path, events, limit_bytes=MIB)
    assert found == events[-len(found) :]
    assert MIB / 2 < sum(path.stat().st_size for path in tmp_path.iterdir()) <= MIB
    assert len(list(tmp_path.iterdir())) == FILES


def test_what_would_fill_a_file_by_itself_is_not_kept(tmp_path: Path) -> None:
    assert kept(tmp_path, [ServerLog("x" * (MIB // FILES), "info"), *SAID]) == SAID


def test_only_their_owner_may_read_them(tmp_path: Path) -> None:
    kept(tmp_path / "logs", [ServerLog("x" * 1000, "info") for _ in range(2000)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "logs").iterdir()} == {0o600}


def test_a_limit_of_nothing_keeps_nothing(tmp_path: Path) -> None:
    assert kept(tmp_path / "logs", list(SAID), limit_bytes=0) == []


def test_a_second_daemon_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    kept(tmp_path, SAID[:1])
    assert kept(tmp_path, SAID[1:]) == SAID


def test_lines_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    kept(tmp_path, SAID[:1])
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"half": \n\xff\xfe\n')
    assert kept(tmp_path, SAID[1:]) == SAID


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_suffered_in_silence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events.jsonl").symlink_to("/dev/full")
    log = KeptLog(tmp_path, MIB, private=False)
    log.heard(LogRecord(1, SAID[0]))
    log.close()
    assert capfd.readouterr().err == ""
