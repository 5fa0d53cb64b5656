"""What one download is: which files, and how it stands. Values, and the file of JSON that each is kept in."""

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from lms.catalog.hashes import sha256
from lms.catalog.offers import Offer, OfferFormat, Repo, RepoFile, is_projector
from lms.client.control import DownloadRow, DownloadStatus
from lms.errors import LmsError, to_wire
from lms.paths import write_atomically

# The catalog does not look at files whose names end like this, nor at models of which one is there.
PARTIAL_ENDING = ".part"


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """One download, from its beginning on. Two jobs with the same `goal` are the same download.

    repo: `owner/name`; its files lie in folders of these names
    commit: of which the files are, so that they fit together however long it takes
    """

    id: str
    repo: str
    commit: str
    endpoint: str
    format: OfferFormat
    quantization: str | None
    files: tuple[RepoFile, ...]
    started_s: float
    status: DownloadStatus = "downloading"
    completed_s: float | None = None
    error: dict[str, Any] | None = None

    @classmethod
    def of(cls, repo: Repo, offer: Offer, endpoint: str, now_s: float) -> "Job":
        name = f"job_{secrets.token_hex(5)}"
        return cls(
            name, repo.name, repo.commit, endpoint, offer.format, offer.quantization, offer.files, round(now_s, 3)
        )

    @property
    def goal(self) -> tuple[str, tuple[str, ...]]:
        return self.repo, tuple(file.path for file in self.files)

    @property
    def total_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def path(self) -> str:
        """The model below the models folder: its first GGUF file, or the folder of an MLX model."""
        if self.format == "mlx":
            return self.repo
        return f"{self.repo}/{next(file.path for file in self.files if not is_projector(file.path))}"

    def now(self, status: DownloadStatus, completed_s: float | None = None, error: LmsError | None = None) -> "Job":
        wire = to_wire(error) if error else None
        return msgspec.structs.replace(self, status=status, completed_s=completed_s, error=wire)

    def row(self, downloaded_bytes: int, bytes_per_s: float | None = None) -> DownloadRow:
        return DownloadRow(
            self.status,
            self.repo,
            self.path,
            self.total_bytes,
            downloaded_bytes,
            self.format,
            self.quantization,
            self.id,
            self.started_s,
            self.completed_s,
            bytes_per_s if self.status == "downloading" else None,
            self.error,
        )


class Place:
    """Where the files of one job lie below the models folder: whole ones, and parts beside where they will be."""

    def __init__(self, models_dir: Path, job: Job) -> None:
        self._folder = models_dir.joinpath(*job.repo.split("/"))
        self._job = job

    def whole(self, file: RepoFile) -> Path:
        return self._folder.joinpath(*file.path.split("/"))

    def part(self, file: RepoFile) -> Path:
        path = self.whole(file)
        return path.with_name(path.name + PARTIAL_ENDING)

    def is_there(self, file: RepoFile) -> bool:
        return size_of(self.whole(file)) == file.size_bytes

    def hashes(self) -> dict[Path, str]:
        """The SHA-256 of each file, by where it lies: of files that are too small for LFS it is reckoned here."""
        return {self.whole(file): file.sha256 or sha256(self.whole(file)) for file in self._job.files}

    def missing(self) -> list[RepoFile]:
        return [file for file in self._job.files if not self.is_there(file)]

    def has_parts(self) -> bool:
        return any(self.part(file).exists() for file in self._job.files)

    def bytes_there(self) -> int:
        return sum(self._bytes_of(file) for file in self._job.files)

    def bytes_to_come(self) -> dict[Path, int]:
        """What each part still needs, by its path: jobs may have files in common."""
        return {self.part(file): file.size_bytes - self._bytes_of(file) for file in self.missing()}

    def in_order(self, files: list[RepoFile]) -> Iterator[RepoFile]:
        """As they are to appear, weights last: the catalog shows no model of which some are parts."""
        return iter(sorted(files, key=lambda file: (_is_weight(file), file.path)))

    def discard(self, spared: set[Path]) -> None:
        """Delete parts, but the `spared` ones, and the folders that this leaves empty."""
        for part in (self.part(file) for file in self._job.files):
            if part not in spared:
                part.unlink(missing_ok=True)
        for folder in (*{self.part(file).parent for file in self._job.files}, self._folder, self._folder.parent):
            _remove_if_empty(folder)

    def _bytes_of(self, file: RepoFile) -> int:
        return file.size_bytes if self.is_there(file) else min(size_of(self.part(file)) or 0, file.size_bytes)


class Records:
    """A file for each job, so that it outlives the daemon."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> list[Job]:
        """Every job that can be read, in no order."""
        found = []
        for path in self._folder.glob("job_*.json"):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Job))
            except (OSError, msgspec.DecodeError):
                continue
        return found

    def write(self, job: Job) -> None:
        write_atomically(self._folder / f"{job.id}.json", msgspec.json.encode(job))

    def forget(self, job: Job) -> None:
        (self._folder / f"{job.id}.json").unlink(missing_ok=True)


def is_sound(path: Path, file: RepoFile) -> bool:
    """Whether the bytes at `path` are those of `file`: by size, and by whichever hash the hub gives."""
    if size_of(path) != file.size_bytes:
        return False
    if file.sha256:
        return sha256(path) == file.sha256
    if file.git_sha1:  # of files that are too small for LFS
        content = b"blob %d\0" % file.size_bytes + path.read_bytes()
        return hashlib.sha1(content, usedforsecurity=False).hexdigest() == file.git_sha1
    return True


def size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _is_weight(file: RepoFile) -> bool:
    return file.path.endswith((".safetensors", ".gguf")) and not is_projector(file.path)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
