"""Writing one state into a folder that is bounded, shared with other processes, and may vanish at any moment.

The folder itself is the truth: what there is and when it was used is read from it anew for every write, so two engines
of one model keep one limit together, but for what both write at the same moment. Runs in a thread of its own: it gets
values that nobody changes, and says by a value what it did.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lms.engine import state_format
from lms.paths import ensure_private

UNFINISHED = ".part"


@dataclass(frozen=True)
class Writing:
    """A state to be written. Used last at `used_ns`, by the wall clock. `needless` are names of files it replaces."""

    key: bytes
    tokens: list[int]
    state: bytes
    used_ns: int
    needless: tuple[str, ...] = ()

    @property
    def file_bytes(self) -> int:
        return state_format.file_bytes(len(self.tokens), len(self.state))


@dataclass(frozen=True)
class Written:
    """What came of it: whether the file is there, the names of the files that made room for it, and what went wrong.

    Neither there nor an error: all the room is taken by states that were used after it, or it was deleted at once.
    """

    there: bool
    removed: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class _Found:
    path: Path
    used_ns: int
    size_bytes: int


def write_within(folder: Path, limit_bytes: int, writing: Writing) -> Written:
    """Write `writing` into `folder`, whose states take no more than `limit_bytes` then. Raises nothing of the disk's.

    A crash leaves the old files, the new one, or an unfinished one that `sweep` removes. Nothing is forced to the
    medium (fsync): that would take the disk's whole time for a state, and what a power cut leaves is checked when read.
    """
    try:
        ensure_private(folder)
        for name in writing.needless:
            (folder / name).unlink(missing_ok=True)
        removed = _make_room(folder, limit_bytes - writing.file_bytes, writing.used_ns)
        if removed is None:
            return Written(False)
        with appearing(folder / state_format.file_name(writing.key, writing.tokens)) as file:
            state_format.write(file, writing.key, writing.tokens, writing.state)
            file.flush()
            os.utime(file.fileno(), ns=(writing.used_ns, writing.used_ns))
        return Written(True, removed)
    except FileNotFoundError:  # somebody deleted what was being written, and may
        return Written(False)
    except OSError as error:
        return Written(False, error=error.strerror or str(error))


@contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """A locked file that takes the name `path` when the block ends, and is gone when that fails. Raises OSError."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove files that were never finished, because their writer died. Raises OSError.

    A writer holds a lock on its file, which ends with it however it ends.
    """
    for path in folder.glob(f"*{UNFINISHED}"):
        with suppress(FileNotFoundError), path.open("rb") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _make_room(folder: Path, limit_bytes: int, used_ns: int) -> tuple[str, ...] | None:
    """Remove the least recently used until no more than `limit_bytes` are left. None, and nothing is removed, where
    that would take files that were used after `used_ns`."""
    found = sorted(_states(folder), key=lambda state: state.used_ns)
    excess = sum(state.size_bytes for state in found) - limit_bytes
    removed = []
    for state in found:
        if excess <= 0:
            break
        if state.used_ns > used_ns:
            return None
        removed.append(state)
        excess -= state.size_bytes
    if excess > 0:
        return None
    for state in removed:
        state.path.unlink(missing_ok=True)
    return tuple(state.path.name for state in removed)


def _states(folder: Path) -> Iterator[_Found]:
    """All states in `folder`, finished or not, of whatever settings. A time in the future says nothing: long ago."""
    now_ns = time.time_ns()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((state_format.SUFFIX, UNFINISHED)):
                with suppress(FileNotFoundError):
                    there = entry.stat(follow_symlinks=False)
                    used_ns = there.st_mtime_ns if there.st_mtime_ns <= now_ns else 0
                    yield _Found(Path(entry.path), used_ns, there.st_size)
