"""How long a transfer waits between attempts, with a hub and a clock of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lms.catalog.offers import RepoFile
from lms.downloads.job import Job, Place
from lms.downloads.transfer import Claims, Transfer
from lms.errors import HubUnreachable

FILE = RepoFile("tiny.gguf", 6)
JOB = Job("job_1", "maker/tiny", "abc", "http://hub", "gguf", None, (FILE,), 0.0)


class Clock(threading.Event):
    """Nobody waits: it writes down how long they would have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout)
        return False


class Hub:
    """Gives one answer after the other: bytes, or that it is busy for so many seconds."""

    def __init__(self, *answers: bytes | float) -> None:
        self._answers = iter(answers)

    @contextmanager
    def opened(self, repo: str, commit: str, path: str, begin: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        answer = next(self._answers)
        if isinstance(answer, bytes):
            yield begin, iter([answer])
            return
        busy = HubUnreachable("Busy.")
        busy.retry_after_s = answer
        raise busy


def waits(tmp_path: Path, *answers: bytes | float) -> list[float | None]:
    """How long it waits between these answers."""
    clock = Clock()
    place = Place(tmp_path, JOB)
    Transfer(JOB, place, Hub(*answers), Claims(), clock, lambda size_bytes: None, (1.0, 2.0, 4.0)).run()
    assert place.whole(FILE).stat().st_size == FILE.size_bytes
    return [waited_s for waited_s in clock.waited_s if waited_s]


def test_it_waits_longer_each_time(tmp_path: Path) -> None:
    assert waits(tmp_path, 0.0, 0.0, 0.0, b"abcdef") == [1, 2, 4]


def test_a_hub_that_wants_to_be_left_alone_for_longer_is(tmp_path: Path) -> None:
    assert waits(tmp_path, 30.0, 0.0, b"abcdef") == [30, 2]


def test_bytes_that_come_begin_it_anew(tmp_path: Path) -> None:
    assert waits(tmp_path, 0.0, 0.0, b"abc", 0.0, b"def") == [1, 2, 1]


def test_an_answer_of_no_bytes_is_no_success(tmp_path: Path) -> None:
    assert waits(tmp_path, b"", b"", b"abcdef") == [1, 2]


def test_it_gives_up_when_all_pauses_are_over(tmp_path: Path) -> None:
    with pytest.raises(HubUnreachable, match=r"Busy\."):
        waits(tmp_path, 0.0, 0.0, 0.0, 0.0)
    assert Place(tmp_path, JOB).part(FILE).exists()
