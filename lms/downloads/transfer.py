"""Performs one job: fetches its files to parts, goes on where it was interrupted, verifies them, and lets them appear.

Power cuts and killed daemons leave parts, which the next run goes on from.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from lms.catalog.offers import RepoFile
from lms.catalog.placing import FULL
from lms.downloads.job import Job, Place, is_sound
from lms.errors import DownloadFailed, HubUnreachable, NotEnoughDisk

# Between attempts that bring nothing: half an hour in all, longer than most networks are away.
BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, *[60.0] * 29)
_CLAIM_POLL_S = 0.2


class Source(Protocol):
    """The hub, as far as a transfer needs it."""

    def opened(
        self, repo: str, commit: str, path: str, begin: int = 0
    ) -> AbstractContextManager[tuple[int, Iterator[bytes]]]:
        """The bytes of a file from `begin` on, and where they really begin."""


class Stopped(Exception):
    """Somebody wants the transfer to end."""


class Claims:
    """Who writes which file. Jobs may have a projector in common, and only one of them fetches it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: set[Path] = set()

    @contextmanager
    def held(self, path: Path, stop: threading.Event) -> Iterator[None]:
        """Waits until nobody else has it. Raises Stopped."""
        while not self._take(path):
            if stop.wait(_CLAIM_POLL_S):
                raise Stopped
        try:
            yield
        finally:
            with self._lock:
                self._claimed.discard(path)

    def _take(self, path: Path) -> bool:
        with self._lock:
            free = path not in self._claimed
            self._claimed.add(path)
            return free


class Transfer:
    """One run of a job, on one thread. `arrived` is told how many bytes have come, negative ones if they were bad."""

    def __init__(
        self,
        job: Job,
        place: Place,
        source: Source,
        claims: Claims,
        stop: threading.Event,
        arrived: Callable[[int], None],
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._job = job
        self._place = place
        self._source = source
        self._claims = claims
        self._stop = stop
        self._arrived = arrived
        self._backoff_s = backoff_s

    def run(self) -> None:
        """Returns when the model is there. Raises Stopped, and an LmsError when it cannot be had."""
        try:
            while missing := self._place.missing():
                self._mark(missing)
                for file in missing:
                    with self._claims.held(self._place.part(file), self._stop):
                        self._fetch(file)
                self._appear(missing)
        except OSError as error:
            raise _of_disk(error) from error

    def _mark(self, files: Sequence[RepoFile]) -> None:
        """All parts are there before the first file is: a model of which a part is there is shown to nobody."""
        if self._stop.is_set():
            raise Stopped
        for file in files:
            part = self._place.part(file)
            part.parent.mkdir(parents=True, exist_ok=True)
            part.touch()

    def _fetch(self, file: RepoFile) -> None:
        """A second time from its beginning if the bytes are not what the hub has."""
        part = self._place.part(file)
        for _ in range(2):
            if self._place.is_there(file):
                return
            self._complete(file, part)
            if is_sound(part, file):
                _write_through(part)
                return
            self._arrived(-part.stat().st_size)
            part.write_bytes(b"")
        raise DownloadFailed(
            f"“{file.path}” of {self._job.repo} came twice with bytes that are not the hub's.",
            hint="A proxy or a mirror on the way may hold a bad copy.",
        )

    def _complete(self, file: RepoFile, part: Path) -> None:
        """Go on until all bytes are there, however often the way breaks off."""
        attempts = iter(self._backoff_s)
        while (before := part.stat().st_size) < file.size_bytes:
            try:
                self._append(file, part)
                delay_s = 0.0
            except HubUnreachable as error:
                delay_s, failure = error.retry_after_s, error
            else:
                failure = HubUnreachable(f"The hub breaks off “{file.path}” again and again.", hint="Try again later.")
            if part.stat().st_size > before:
                attempts = iter(self._backoff_s)
            elif (pause_s := next(attempts, None)) is None:
                raise failure
            else:
                delay_s = max(delay_s, pause_s)
            if self._stop.wait(delay_s):
                raise Stopped

    def _append(self, file: RepoFile, part: Path) -> None:
        with part.open("r+b") as out:
            begin = out.seek(0, os.SEEK_END)
            with self._source.opened(self._job.repo, self._job.commit, file.path, begin) as (begins, blocks):
                if begins != begin:
                    out.truncate(begins)
                    out.seek(begins)
                    self._arrived(begins - begin)
                for block in blocks:
                    if self._stop.is_set():
                        raise Stopped
                    out.write(block)
                    self._arrived(len(block))
                    if out.tell() > file.size_bytes:
                        break

    def _appear(self, files: list[RepoFile]) -> None:
        """A part that is gone has become whole in another job."""
        for file in self._place.in_order(files):
            try:
                self._place.part(file).replace(self._place.whole(file))
            except FileNotFoundError:
                continue


def _write_through(path: Path) -> None:
    """A power cut from now on does not harm it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _of_disk(error: OSError) -> NotEnoughDisk | DownloadFailed:
    if error.errno in FULL:
        return NotEnoughDisk("The disk is full.", hint="Free some space, and get it again: it goes on from here.")
    return DownloadFailed(f"It cannot be written: {error}.")
