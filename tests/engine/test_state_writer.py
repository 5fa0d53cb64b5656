import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lms.engine.state_format import file_bytes, read_state
from lms.engine.state_writer import UNFINISHED, Writing, Written, appearing, sweep, write_within

KEY = b"k" * 16
STATE_BYTES = 1000
FILE_BYTES = file_bytes(1, STATE_BYTES)

DIE_WHILE_WRITING = f"""
import resource, signal, sys
from pathlib import Path
from lms.engine.state_writer import Writing, write_within
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel ends the process at the first byte beyond the limit
write_within(Path(sys.argv[1]), 1 << 30, Writing({KEY!r}, [1], bytes(1_000_000), 1))
"""


def writing(token: int, used_ns: int, state: bytes = bytes(STATE_BYTES)) -> Writing:
    return Writing(KEY, [token], state, used_ns)


def kept(folder: Path) -> list[int]:
    """When those in the folder were used."""
    return sorted(path.stat().st_mtime_ns for path in folder.iterdir())


def name(folder: Path, used_ns: int) -> str:
    return next(path.name for path in folder.iterdir() if path.stat().st_mtime_ns == used_ns)


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "model"
    write_within(folder, 1 << 20, writing(1, 1))
    (path,) = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    for used_ns in (2000, 1000, 3000):
        write_within(tmp_path, 3 * FILE_BYTES, writing(used_ns, used_ns))
    oldest = name(tmp_path, 1000)
    assert write_within(tmp_path, 3 * FILE_BYTES, writing(4, 4000)) == Written(True, (oldest,))
    assert kept(tmp_path) == [2000, 3000, 4000]
    assert write_within(tmp_path, 3 * FILE_BYTES - 1, writing(5, 5000)).there
    assert kept(tmp_path) == [4000, 5000]


def test_nothing_makes_room_for_what_was_used_before_it(tmp_path: Path) -> None:
    for used_ns in (1000, 3000):
        write_within(tmp_path, 2 * FILE_BYTES, writing(used_ns, used_ns))
    large = writing(2, 2000, bytes(STATE_BYTES + 1))
    assert write_within(tmp_path, 2 * FILE_BYTES, large) == Written(False)
    assert kept(tmp_path) == [1000, 3000]
    assert write_within(tmp_path, 2 * FILE_BYTES, writing(2, 2000)).there
    assert kept(tmp_path) == [2000, 3000]


def test_a_file_from_the_future_is_no_reason_to_write_nothing(tmp_path: Path) -> None:
    write_within(tmp_path, FILE_BYTES, writing(1, 2**62))
    assert write_within(tmp_path, FILE_BYTES, writing(2, 2000)).there
    assert kept(tmp_path) == [2000]


def test_what_is_needless_now_is_removed(tmp_path: Path) -> None:
    write_within(tmp_path, 1 << 20, writing(1, 1000))
    needless = name(tmp_path, 1000)
    longer = Writing(KEY, [1, 2], b"longer", 2000, (needless, "gone.state"))
    assert write_within(tmp_path, 1 << 20, longer) == Written(True)
    assert kept(tmp_path) == [2000]


def test_a_file_that_is_deleted_while_it_is_written_is_gone_whole(tmp_path: Path) -> None:
    def write() -> None:
        with appearing(tmp_path / "new.state") as file:
            file.write(b"content")
            shutil.rmtree(tmp_path)

    with pytest.raises(FileNotFoundError):
        write()
    assert not tmp_path.exists()


def test_files_that_are_not_ours_are_neither_counted_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(bytes(10 * FILE_BYTES))
    assert write_within(tmp_path, FILE_BYTES, writing(1, 1)).there
    assert write_within(tmp_path, FILE_BYTES, writing(2, 2)).there
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        written = write_within(tmp_path, 1 << 20, writing(1, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not written.there
    assert written.error == "File too large"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("in_the_way", ["file", "link"])
def test_a_folder_that_cannot_be_is_an_error_to_be_told(tmp_path: Path, in_the_way: str) -> None:
    folder = tmp_path / "model"
    if in_the_way == "file":
        folder.write_text("not a folder")
    else:
        folder.symlink_to(tmp_path, target_is_directory=True)
    written = write_within(folder, 1 << 20, writing(1, 1))
    assert not written.there
    assert written.error


def test_a_writer_that_dies_leaves_what_is_swept_and_nothing_else(tmp_path: Path) -> None:
    whole = write_within(tmp_path, 1 << 20, writing(2, 1))
    died = subprocess.run([sys.executable, "-c", DIE_WHILE_WRITING, str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGXFSZ
    (unfinished,) = tmp_path.glob(f"*{UNFINISHED}")
    assert unfinished.stat().st_size == 500_000
    sweep(tmp_path)
    (left,) = tmp_path.iterdir()
    assert whole.there
    assert read_state(left) == bytes(STATE_BYTES)


def test_what_somebody_is_still_writing_is_not_swept(tmp_path: Path) -> None:
    with appearing(tmp_path / "new.state") as file:
        sweep(tmp_path)
        file.write(b"content")
    assert (tmp_path / "new.state").read_bytes() == b"content"
    assert len(list(tmp_path.iterdir())) == 1


def test_unfinished_files_count(tmp_path: Path) -> None:
    (tmp_path / f"left{UNFINISHED}").write_bytes(bytes(FILE_BYTES))
    assert write_within(tmp_path, 2 * FILE_BYTES - 1, writing(1, time.time_ns())).there
    assert len(list(tmp_path.iterdir())) == 1
