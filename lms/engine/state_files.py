"""The disk tier of stored states: a folder for each model, a file for each state, an index in RAM.

States outlive the model, the daemon and the machine's next start. The folder may be deleted at any time, also while
engines use it, and two engines may use it at once: a file that has gone is a miss. Whatever goes wrong with the disk
is said in the log and is a miss too.

One state takes the disk a tenth of a second or several, too long for the engine's loop, so a thread writes it
(`state_writer.py`); the index belongs to the loop's thread alone, which takes in what the thread says at its next call.
Reading waits for the disk: a prompt that is worth it waits anyway, and reading takes far less than processing it.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lms.engine import state_format
from lms.engine.prefix import Match
from lms.engine.state_format import StateDamaged
from lms.engine.state_index import StateIndex
from lms.engine.state_writer import Writing, Written, sweep, write_within
from lms.logbus.records import Level
from lms.paths import ensure_private

WAITING_BYTES = 256 * 1024 * 1024


@dataclass
class Entry:
    """A state on disk, or on its way there: `writing` says then what comes of it."""

    name: str
    size_bytes: int
    writing: Future[Written] | None = None


class StateFiles:
    """One thread only.

    folder: for one model's states (`catalog.identity.prompt_folder`), whatever the settings. Those under other keys are
        not used, but count, so what an older version left goes in its turn
    limit_bytes: for all files in it together, heads and unfinished ones included; the least recently used go first,
        by their time of change, which reading sets anew. Engines with different limits each keep their own when writing
    say: hears what went wrong
    divisible: as `StateIndex`
    waiting_limit_bytes: memory for states that wait to be written, beyond that of the RAM tier; when the disk is that
        far behind, states are lost instead. One state may wait however large it is
    thread: writes, one state after the other; its own one by default
    clock_ns: the wall clock, as files have it
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        key: bytes,
        say: Callable[[Level, str], None],
        *,
        divisible: bool = True,
        waiting_limit_bytes: int = WAITING_BYTES,
        thread: Executor | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Reads the heads of all files there, but no state."""
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._key = key
        self._say = say
        self._waiting_limit_bytes = waiting_limit_bytes
        self._clock_ns = clock_ns
        self._numbers = count()
        self._index = StateIndex(divisible=divisible)
        self._entries: dict[int, Entry] = {}
        self._named: dict[str, int] = {}
        self._thread = thread or ThreadPoolExecutor(1, "state writer")
        self._writing: deque[tuple[int, int, Future[Written]]] = deque()  # number, bytes of memory, what comes of it
        self._is_failing = False
        self.waiting_bytes = 0
        """Memory of the states that wait to be written."""
        self._open()

    def __len__(self) -> int:
        """States that can be found, those on their way to disk included."""
        return len(self._entries)

    def size_of(self, number: int) -> tuple[int, int]:
        """Tokens and bytes of the state that `longest` has just found."""
        return self._index.length(number), self._entries[number].size_bytes

    def wants(self, tokens: list[int], size_bytes: int) -> bool:
        """Whether `put` would keep a state of that size: nothing does as well, or that is marked as used."""
        while (number := self._index.covering(tokens)) is not None:
            if self._touch(number):
                return False
        return state_format.file_bytes(len(tokens), size_bytes) <= self._limit_bytes

    def put(self, tokens: list[int], state: bytes, used_ns: int, *, even_if_behind: bool = False) -> None:
        """Have a state written that was used last at `used_ns`, wall clock. Returns at once.

        Nothing is written where nothing is wanted, where all room is taken by states that were used later, or where
        the disk is behind, if not `even_if_behind`.
        """
        self._settle()
        is_behind = self.waiting_bytes and self.waiting_bytes + len(state) > self._waiting_limit_bytes
        if (is_behind and not even_if_behind) or not self.wants(tokens, len(state)):
            return
        needless = tuple(self._forget(number).name for number in self._index.covered_by(tokens))
        writing = Writing(self._key, tokens, state, used_ns, needless)
        future = self._thread.submit(write_within, self._folder, self._limit_bytes, writing)
        number = self._add(tokens, Entry(state_format.file_name(self._key, tokens), len(state), future))
        self._writing.append((number, len(state), future))
        self.waiting_bytes += len(state)

    def longest(self, tokens: list[int]) -> Match:
        """As `StateIndex.longest`."""
        self._settle()
        return self._index.longest(tokens)

    def read(self, number: int) -> bytes | None:
        """The state, whose file is marked as used. None if it has gone or is damaged; it is forgotten then."""
        if number in self._entries and (writing := self._entries[number].writing):
            wait([writing])
        self._settle()
        entry = self._entries.get(number)
        if entry is None:
            return None
        path = self._folder / entry.name
        try:
            state = state_format.read_state(path)
            self._mark_used(path)
        except FileNotFoundError:
            self._forget(number)
            return None
        except (StateDamaged, OSError) as error:
            self._discard(path, error)
            self._forget(number)
            return None
        return state

    def drop(self, number: int) -> None:
        """Forget a state and remove its file."""
        if number in self._entries:
            with suppress(OSError):
                (self._folder / self._forget(number).name).unlink()

    def close(self, timeout_s: float) -> None:
        """Wait until all is written, no longer than `timeout_s`. What has not begun by then is lost."""
        wait([future for _, _, future in self._writing], timeout_s)
        self._settle()
        self._thread.shutdown(wait=False, cancel_futures=True)
        for number in {number for number, _, _ in self._writing} & self._entries.keys():
            self._forget(number)
        self._writing.clear()

    def _open(self) -> None:
        try:
            ensure_private(self._folder)
            sweep(self._folder)
            paths = sorted(self._folder.glob(f"*{state_format.SUFFIX}"))
        except OSError as error:
            self._fail(error.strerror or str(error))
            return
        for path in paths:
            try:
                head = state_format.read_head(path)
            except FileNotFoundError:
                continue
            except (StateDamaged, OSError) as error:
                self._discard(path, error)
                continue
            if head.key == self._key:
                self._add(head.tokens, Entry(path.name, head.state_bytes))

    def _add(self, tokens: list[int], entry: Entry) -> int:
        number = next(self._numbers)
        self._index.add(number, tokens)
        self._entries[number] = entry
        self._named[entry.name] = number
        return number

    def _forget(self, number: int) -> Entry:
        self._index.remove(number)
        entry = self._entries.pop(number)
        del self._named[entry.name]
        return entry

    def _touch(self, number: int) -> bool:
        """Mark it as used. False if its file has gone: it is forgotten then."""
        entry = self._entries[number]
        if entry.writing is None:
            try:
                self._mark_used(self._folder / entry.name)
            except OSError:
                self._forget(number)
                return False
        return True

    def _mark_used(self, path: Path) -> None:
        now_ns = self._clock_ns()
        os.utime(path, ns=(now_ns, now_ns))

    def _settle(self) -> None:
        """Take in what the thread has done since."""
        while self._writing and self._writing[0][2].done():
            number, size_bytes, future = self._writing.popleft()
            self.waiting_bytes -= size_bytes
            self._take_in(number, future.result())

    def _take_in(self, number: int, written: Written) -> None:
        for name in written.removed:
            other = self._named.get(name)
            if other is not None and self._entries[other].writing is None:  # else it is about to be written again
                self._forget(other)
        if number in self._entries:
            self._entries[number].writing = None
            if not written.there:
                self._forget(number)
        if written.error:
            self._fail(written.error)
        elif written.there:
            self._is_failing = False

    def _fail(self, reason: str) -> None:
        """Say it once, until something succeeds again."""
        if not self._is_failing:
            self._say("warn", f"Prompts cannot be kept in {self._folder}: {reason}.")
        self._is_failing = True

    def _discard(self, path: Path, error: Exception) -> None:
        self._say("warn", f"The stored prompt {path} is damaged and was dropped: {error}.")
        with suppress(OSError):
            path.unlink()
