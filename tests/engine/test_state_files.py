import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from lms.engine.state_files import StateFiles
from lms.engine.state_format import file_bytes
from lms.engine.state_key import state_key
from lms.logbus.records import Level

LIMIT_BYTES = 1 << 20
KEY = state_key({"cache": "f16"})
STATE = bytes(range(256)) * 10

WRITE_UNTIL_KILLED = """
import sys
from itertools import count
from pathlib import Path
from lms.engine.state_files import StateFiles
files = StateFiles(Path(sys.argv[1]), 1 << 26, bytes.fromhex(sys.argv[2]), lambda level, text: None)
for number in count(1):
    files.put([number], bytes([number % 256]) * (1 << 22), number, even_if_behind=True)
    assert files.read(files.longest([number]).slot)
    print(number, flush=True)
"""


@dataclass
class Disk:
    """A folder for states, what was said about it, and a clock that goes on by 1 µs whenever it is read."""

    folder: Path
    said: list[tuple[Level, str]] = field(default_factory=list)
    clock_ns: Iterator[int] = field(default_factory=lambda: count(1_000_000, 1000))

    def open(self, limit_bytes: int = LIMIT_BYTES, key: bytes = KEY, **settings: object) -> StateFiles:
        return StateFiles(self.folder, limit_bytes, key, self.say, clock_ns=self.now_ns, **settings)  # type: ignore[arg-type]

    def now_ns(self) -> int:
        return next(self.clock_ns)

    def say(self, level: Level, text: str) -> None:
        self.said.append((level, text))

    def put(self, files: StateFiles, tokens: list[int], state: bytes = STATE) -> None:
        """Have it written and wait until it is."""
        files.put(tokens, state, self.now_ns())
        files.read(files.longest(tokens).slot)

    def keep(self, *stored: list[int]) -> list[Path]:
        """The files of these, as a process left them that has ended."""
        files = self.open()
        for tokens in stored:
            self.put(files, tokens)
        files.close(10)
        assert len(files) == len(stored)
        return sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "cache" / "model")


def found(files: StateFiles, tokens: list[int]) -> bytes | None:
    match = files.longest(tokens)
    return files.read(match.slot) if match.length else None


def test_states_survive_a_restart(disk: Disk) -> None:
    disk.keep([1, 2, 3], [4])
    files = disk.open()
    assert len(files) == 2
    assert files.longest([1, 2, 9]).length == 2
    assert files.size_of(files.longest([1]).slot) == (3, len(STATE))
    assert found(files, [1, 2, 9]) == STATE


def test_opening_reads_no_states(disk: Disk) -> None:
    (path,) = disk.keep([1, 2, 3])
    content = path.read_bytes()
    path.write_bytes(content[: -len(STATE)] + bytes(len(STATE)))
    assert len(disk.open()) == 1
    assert disk.said == []


def test_a_state_that_was_damaged_since_is_a_miss_said_once(disk: Disk) -> None:
    (path,) = disk.keep([1, 2, 3])
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    files = disk.open()
    number = files.longest([1, 2]).slot
    assert files.read(number) is None
    assert files.read(number) is None
    assert found(files, [1, 2]) is None
    ((level, text),) = disk.said
    assert level == "warn"
    assert "its checksum is wrong" in text
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"LMSstate", b"x" * 3000, bytes(3000)])
def test_a_file_that_is_no_state_is_dropped_when_the_folder_is_opened(disk: Disk, content: bytes) -> None:
    damaged, whole = disk.keep([1], [2])
    damaged.write_bytes(content)
    files = disk.open()
    assert found(files, [1]) is None
    assert found(files, [2]) == STATE
    assert len(disk.said) == 1
    assert list(disk.folder.iterdir()) == [whole]


def test_what_a_writer_left_unfinished_is_removed_when_the_folder_is_opened(disk: Disk) -> None:
    (whole,) = disk.keep([1])
    (disk.folder / "left.part").write_bytes(b"half of a")
    disk.open()
    assert list(disk.folder.iterdir()) == [whole]


def test_a_state_under_another_name_is_dropped(disk: Disk) -> None:
    first, second = disk.keep([1], [2])
    first.rename(second)
    assert len(disk.open()) == 0
    assert len(disk.said) == 1


def test_states_of_other_settings_are_not_used_and_not_removed(disk: Disk) -> None:
    (path,) = disk.keep([1, 2])
    others = disk.open(key=state_key({"cache": "q8_0"}))
    assert found(others, [1, 2]) is None
    disk.put(others, [1, 2], b"of the others")
    assert path.exists()
    assert found(disk.open(), [1, 2]) == STATE
    assert found(others, [1, 2]) == b"of the others"
    assert disk.said == []


def test_states_of_other_settings_make_room(disk: Disk) -> None:
    (path,) = disk.keep([1, 2])
    others = disk.open(limit_bytes=file_bytes(2, len(STATE)), key=state_key({"cache": "q8_0"}))
    disk.put(others, [1, 2])
    assert not path.exists()
    assert found(others, [1, 2]) == STATE


def test_the_least_recently_used_go_first_and_reading_is_use(disk: Disk) -> None:
    files = disk.open(limit_bytes=2 * file_bytes(1, len(STATE)))
    disk.put(files, [1])
    disk.put(files, [2])
    assert found(files, [1]) == STATE
    disk.put(files, [3])
    assert [token for token in (1, 2, 3) if files.longest([token]).length] == [1, 3]
    assert len(list(disk.folder.iterdir())) == len(files) == 2


def test_to_be_offered_again_is_use(disk: Disk) -> None:
    files = disk.open(limit_bytes=2 * file_bytes(1, len(STATE)))
    for token in (1, 2):
        disk.put(files, [token])
    files.put([1], STATE, disk.now_ns())
    disk.put(files, [3])
    assert [token for token in (1, 2, 3) if files.longest([token]).length] == [1, 3]


def test_a_longer_state_takes_the_place_of_its_beginnings(disk: Disk) -> None:
    files = disk.open()
    disk.put(files, [1, 2])
    disk.put(files, [1, 2, 3], b"longer")
    assert found(files, [1, 2]) == b"longer"
    assert len(list(disk.folder.iterdir())) == len(files) == 1


def test_a_state_that_cannot_be_cut_leaves_its_beginnings_there(disk: Disk) -> None:
    files = disk.open(divisible=False)
    disk.put(files, [1, 2])
    disk.put(files, [1, 2, 3, 4], b"longer")
    assert found(files, [1, 2, 3]) == STATE
    assert found(files, [1, 2, 3, 4, 5]) == b"longer"
    assert found(files, [1]) is None


def test_a_file_that_vanished_is_a_miss_without_a_word(disk: Disk) -> None:
    (path,) = disk.keep([1, 2])
    files = disk.open()
    path.unlink()
    assert found(files, [1, 2]) is None
    assert len(files) == 0
    assert disk.said == []


def test_a_state_whose_file_vanished_is_wanted_again(disk: Disk) -> None:
    disk.keep([1, 2])
    files = disk.open()
    assert not files.wants([1, 2], 10)
    shutil.rmtree(disk.folder)
    assert files.wants([1, 2], 10)


def test_the_folder_may_be_deleted_while_it_is_used(disk: Disk) -> None:
    files = disk.open()
    disk.put(files, [1])
    shutil.rmtree(disk.folder.parent)
    disk.put(files, [2])
    assert found(files, [1]) is None
    assert found(files, [2]) == STATE
    assert disk.said == []


def test_two_engines_keep_one_limit_together(disk: Disk) -> None:
    limit_bytes = 2 * file_bytes(1, len(STATE))
    one, other = disk.open(limit_bytes), disk.open(limit_bytes)
    for token in range(4):
        disk.put((one, other)[token % 2], [token])
    assert len(list(disk.folder.iterdir())) == 2
    assert [found(one, [token]) for token in (0, 2)] == [None, STATE]
    assert [found(other, [token]) for token in (1, 3)] == [None, STATE]
    assert disk.said == []


def test_two_engines_may_write_the_same_state(disk: Disk) -> None:
    one, other = disk.open(), disk.open()
    disk.put(one, [1, 2])
    disk.put(other, [1, 2])
    assert len(list(disk.folder.iterdir())) == 1
    assert found(one, [1, 2]) == found(other, [1, 2]) == STATE


def test_a_folder_that_cannot_be_is_said_once_and_nothing_is_kept(disk: Disk) -> None:
    disk.folder.parent.mkdir()
    disk.folder.write_text("a file is in the way")
    files = disk.open()
    disk.put(files, [1])
    disk.put(files, [2])
    assert found(files, [1]) is None
    assert len(disk.said) == 1


def test_trouble_that_comes_again_is_said_again(disk: Disk) -> None:
    files = disk.open()
    for token in range(2):
        disk.put(files, [token])
        assert found(files, [token]) == STATE
        shutil.rmtree(disk.folder)
        disk.folder.write_text("a file is in the way")
        disk.put(files, [9])
        disk.folder.unlink()
    assert len(disk.said) == 2


@dataclass
class Busy:
    """A disk that has something else to do until `go`."""

    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.thread.submit(self.go.wait)


@pytest.fixture
def busy() -> Iterator[Busy]:
    busy = Busy()
    yield busy
    busy.go.set()
    busy.thread.shutdown()


def test_when_the_disk_is_behind_states_are_lost_and_not_memory(disk: Disk, busy: Busy) -> None:
    files = disk.open(thread=busy.thread, waiting_limit_bytes=2 * len(STATE))
    for token in range(3):
        files.put([token], STATE, token)
    assert files.waiting_bytes == 2 * len(STATE)
    busy.go.set()
    assert [found(files, [token]) for token in range(3)] == [STATE, STATE, None]
    assert files.waiting_bytes == 0
    disk.put(files, [2])
    assert found(files, [2]) == STATE


def test_states_that_must_not_be_lost_wait_beyond_the_limit(disk: Disk, busy: Busy) -> None:
    files = disk.open(thread=busy.thread, waiting_limit_bytes=1)
    for token in range(3):
        files.put([token], STATE, token, even_if_behind=True)
    busy.go.set()
    assert [found(files, [token]) for token in range(3)] == [STATE] * 3


def test_one_state_may_wait_however_large_it_is(disk: Disk, busy: Busy) -> None:
    files = disk.open(thread=busy.thread, waiting_limit_bytes=1)
    files.put([1], STATE, 1)
    files.put([2], STATE, 2)
    busy.go.set()
    assert [found(files, [token]) for token in (1, 2)] == [STATE, None]


def test_closing_waits_no_longer_than_it_may(disk: Disk, busy: Busy) -> None:
    files = disk.open(thread=busy.thread)
    files.put([1], STATE, 1)
    files.close(timeout_s=0)
    busy.go.set()
    busy.thread.shutdown()
    assert list(disk.folder.iterdir()) == []
    assert found(files, [1]) is None


def test_an_engine_that_is_killed_leaves_only_whole_states(disk: Disk) -> None:
    """It writes 4 MiB after another without a pause, so it is most likely just writing when it is killed; a writer that
    surely is, is in test_state_writer.py."""
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(disk.folder), KEY.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        written = [int(writer.stdout.readline()) for _ in range(5)]
        writer.kill()
    assert writer.returncode == -signal.SIGKILL
    files = disk.open(limit_bytes=1 << 26)
    assert disk.said == []
    for token in written:
        assert found(files, [token]) == bytes([token]) * (1 << 22)
    assert not list(disk.folder.glob("*.part"))
