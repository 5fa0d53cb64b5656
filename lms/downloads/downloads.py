"""All downloads of one home: begun, looked at, paused and cancelled here, and gone on with by the next daemon."""

import shutil
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import psutil

from lms.catalog.hashes import Hashes
from lms.catalog.offers import FoundRepo, OfferFormat, Repo, Wanted, choose, offers, taste, wanted
from lms.client.control import DownloadRequest, DownloadRow, HubSearch, OfferRow, RepoOffers
from lms.config import settings
from lms.downloads.job import Job, Place, Records
from lms.downloads.meter import Meter
from lms.downloads.transfer import BACKOFF_S, Claims, Source, Stopped, Transfer
from lms.errors import DownloadFailed, DownloadNotFound, LmsError, ModelNotFound, NotEnoughDisk
from lms.limits import memory_limit_bytes
from lms.paths import Home
from lms.sizes import disk

# More at once would only share the same line.
AT_ONCE = 3
FOLLOW_S = 0.5
KEPT_S = 7 * 24 * 3600.0
FORMATS: tuple[OfferFormat, ...] = ("gguf", "mlx")
# What a model takes in memory besides its weights: a context, buffers. An estimate, as its header is not here yet.
MEMORY_FACTOR = 1.2
# Who converts the models that LM Studio's catalog lists under their makers' names.
CONVERTER = "lmstudio-community"


class Hub(Source, Protocol):
    """`lms.catalog.hub.Hub`, which is imported when it is first needed: it takes 0.1 s."""

    endpoint: str

    def repo(self, name: str, revision: str | None = None) -> Repo: ...
    def search(self, words: str, formats: Sequence[OfferFormat], limit: int) -> list[FoundRepo]: ...


def _hub(endpoint: str | None, token: str | None) -> Hub:
    from lms.catalog.hub import Hub

    return Hub(endpoint, token)


@dataclass
class _Work:
    """A job that is on its way."""

    stop: threading.Event
    meter: Meter


class Downloads:
    """Every method may be called from any thread. Work is done on threads of its own."""

    def __init__(
        self,
        home: Home,
        models_dir: Path,
        tell: Callable[[str, bool], None],
        appeared: Callable[[], object] = bool,
        connect: Callable[[str | None, str | None], Hub] = _hub,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        """Nothing goes on before `restore`.

        tell: hears what becomes of downloads, and whether that is bad news
        appeared: is called when a model is there, before it is said; by default nobody has to know
        connect: the hub, for an endpoint and a token
        """
        self._records = Records(home.downloads)
        self._hashes = Hashes(home.model_hashes)
        self._settings = home.settings
        self._models_dir = models_dir
        self._tell = tell
        self._appeared = appeared
        self._connect = connect
        self._backoff_s = backoff_s
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._closed = False
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._claims = Claims()
        self._jobs: dict[str, Job] = {}
        self._work: dict[str, _Work] = {}

    def restore(self) -> None:
        """Go on with what an earlier daemon was at, and forget what has long been over."""
        with self._lock:
            for job in self._records.read():
                over = job.status == "completed" or (job.status == "failed" and not self._place(job).has_parts())
                if over and time.time() - job.started_s > KEPT_S:
                    self._records.forget(job)
                    continue
                self._jobs[job.id] = job
                if job.status == "downloading":
                    self._begin(job, None)

    def close(self) -> None:
        """Stop all work; the next daemon goes on with it."""
        with self._lock:
            self._closed = True
            for work in self._work.values():
                work.stop.set()
            self._changed.notify_all()

    # What can be had

    def search(self, search: HubSearch) -> list[FoundRepo]:
        """Repos on the hub, the most downloaded first."""
        return self._connect(search.endpoint, search.token).search(search.words, search.formats, search.limit)

    def look_up(self, request: DownloadRequest) -> RepoOffers:
        """What the repo that is asked for has to offer. Raises as `start_download` does."""
        hub = self._connect(request.endpoint, request.token)
        formats = request.formats or FORMATS
        repo = _repo(hub, wanted(request.model, request.quantization, hub.endpoint), formats)
        there = sorted((offer for offer in offers(repo) if offer.format in formats), key=taste)
        rows = tuple(self._offer(Job.of(repo, offer, hub.endpoint, 0.0)) for offer in there)
        return RepoOffers(repo.name, rows, *self._memory())

    # What is being had

    def start_download(self, request: DownloadRequest) -> DownloadRow:
        """Begin a download, or join it: of what is being downloaded there is no second one, and none of what is there.

        Raises InvalidRequest, ModelNotFound, HubUnreachable, HubRefused, NotEnoughDisk and DownloadFailed, with nothing
        begun.
        """
        hub = self._connect(request.endpoint, request.token)
        what = wanted(request.model, request.quantization, hub.endpoint)
        what = msgspec.structs.replace(what, file=request.file or what.file)
        formats = request.formats or FORMATS
        repo = _repo(hub, what, formats)
        job = Job.of(repo, choose(repo, what, formats), hub.endpoint, time.time())
        if not Place(self._models_dir, job).missing():
            return _already_there(job)
        if repo.gated:
            _require_access(hub, job)
        try:
            with self._lock:
                return self._row(self._joined(job, hub))
        except OSError as error:
            raise DownloadFailed(f"Nothing can be written: {error}.") from error

    def download(self, job_id: str) -> DownloadRow:
        """Raises DownloadNotFound."""
        with self._lock:
            return self._row(self._found(job_id))

    def follow(self, job_id: str) -> Generator[DownloadRow, None, None]:
        """How it stands, now, whenever that changes and about twice a second; ends with a row that is not downloading,
        or when this is closed. Raises DownloadNotFound, when it is cancelled too.
        """
        while not self._closed:
            yield (row := self.download(job_id))
            if row.status != "downloading":
                return
            with self._lock:
                self._changed.wait_for(lambda: self._closed or self._is_over(job_id), FOLLOW_S)

    def downloads(self) -> list[DownloadRow]:
        """Every download that is not forgotten, the last begun first."""
        with self._lock:
            jobs = sorted(self._jobs.values(), key=lambda job: -job.started_s)
            return [self._row(job) for job in jobs]

    def pause_download(self, job_id: str) -> DownloadRow:
        """Stop it, and keep what has come: to start it again goes on from there. Raises DownloadNotFound."""
        with self._lock:
            job = self._found(job_id)
            if job.status == "downloading":
                job = self._set(job.now("paused"))
                self._stop(job)
                self._note(job)
            return self._row(job)

    def cancel_download(self, job_id: str) -> DownloadRow:
        """Forget it, and delete what has come of a model that is not whole. Raises DownloadNotFound."""
        with self._lock:
            job = self._found(job_id)
            row = self._row(job)
            self._stop(job)
            del self._jobs[job.id]
            self._changed.notify_all()
            self._records.forget(job)
            if job.status != "completed":
                self._place(job).discard(self._parts_of_others())
            return row

    # How

    def _memory(self) -> tuple[int, Literal["machine", "container", "budget"]]:
        """What models may take, in bytes, and whose memory that is."""
        sizes: dict[Literal["machine", "container", "budget"], int | None] = {
            "machine": int(psutil.virtual_memory().total),
            "container": memory_limit_bytes(),
            "budget": settings.read(self._settings).memory_budget_bytes,
        }
        return min((size, name) for name, size in sizes.items() if size is not None)

    def _found(self, job_id: str) -> Job:
        if job := self._jobs.get(job_id):
            return job
        raise DownloadNotFound(
            f"No download has the id “{job_id}”.", hint="Downloads that are over are forgotten after a week."
        )

    def _is_over(self, job_id: str) -> bool:
        job = self._jobs.get(job_id)
        return job is None or job.status != "downloading"

    def _joined(self, wanted_job: Job, hub: Hub) -> Job:
        """The job with the same goal that is on its way or waits to go on, else the one that is given, begun."""
        same = [job for job in self._jobs.values() if job.goal == wanted_job.goal]
        for job in same:
            if job.status == "downloading":
                return job
        paused = (job.now("downloading") for job in same if job.status == "paused")
        job = next(paused, wanted_job)
        self._require_space(job)
        self._records.write(job)
        return self._begin(job, hub)

    def _offer(self, job: Job) -> OfferRow:
        with self._lock:
            comes = any(each.goal == job.goal and each.status == "downloading" for each in self._jobs.values())
        state: Literal["downloading", "downloaded"] | None = "downloading" if comes else None
        state = state if self._place(job).missing() else "downloaded"
        needs_bytes = int(job.total_bytes * MEMORY_FACTOR)
        return OfferRow(job.path, job.format, job.total_bytes, needs_bytes, job.quantization, state)

    def _require_space(self, job: Job) -> None:
        """Raises NotEnoughDisk unless there is room for all of it, beside what others still need."""
        needed: dict[Path, int] = {}
        for other in (job, *(job for job in self._jobs.values() if job.status == "downloading")):
            needed |= self._place(other).bytes_to_come()
        self._models_dir.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(self._models_dir).free
        if (needed_bytes := sum(needed.values())) > free_bytes:
            raise NotEnoughDisk(
                f"“{job.repo}” needs {disk(needed_bytes)} on the disk of {self._models_dir}, which has "
                f"{disk(free_bytes)} free.",
                hint="Free some space, or use another disk: lms config set server models_dir PATH",
            )

    def _begin(self, job: Job, hub: Hub | None) -> Job:
        """A job that an earlier daemon began has to do with the token that this one knows itself."""
        work = self._work[job.id] = _Work(threading.Event(), Meter(time.monotonic()))
        args = (self._set(job), hub, work)
        threading.Thread(target=self._perform, args=args, name=job.id, daemon=True).start()
        return job

    def _perform(self, job: Job, hub: Hub | None, work: _Work) -> None:
        def arrived(size_bytes: int) -> None:
            work.meter.count(size_bytes, time.monotonic())

        error: LmsError | None = None
        try:
            with self._places:
                source = hub or self._connect(job.endpoint, None)
                Transfer(job, self._place(job), source, self._claims, work.stop, arrived, self._backoff_s).run()
            self._arrived(job)
        except Stopped:
            return
        except LmsError as failure:
            error = failure
        except Exception as failure:  # a thread has nobody else to tell
            error = DownloadFailed(f"It failed in a way that was not expected: {type(failure).__name__}: {failure}.")
        self._end(job, work, error)

    def _arrived(self, job: Job) -> None:
        """Its hashes are written down for `lms verify`; a model is none the worse if they cannot be."""
        with suppress(LmsError, OSError):
            self._hashes.record(self._place(job).hashes())
        self._appeared()

    def _end(self, job: Job, work: _Work, error: LmsError | None) -> None:
        with self._lock:
            if self._work.get(job.id) is not work:
                return
            del self._work[job.id]
            if error:
                self._tell(f"The download of {job.repo} has failed. {error}", True)
            else:
                self._tell(f"{job.repo} is downloaded.", False)
            over = job.now("failed", error=error) if error else job.now("completed", round(time.time(), 3))
            self._note(self._set(over))

    def _set(self, job: Job) -> Job:
        self._jobs[job.id] = job
        self._changed.notify_all()
        return job

    def _note(self, job: Job) -> None:
        """Write down how it ended. If the disk is full, the next daemon goes on, and comes to an end too."""
        with suppress(OSError):
            self._records.write(job)

    def _stop(self, job: Job) -> None:
        if work := self._work.pop(job.id, None):
            work.stop.set()

    def _row(self, job: Job) -> DownloadRow:
        if job.status == "completed":
            return job.row(job.total_bytes)
        work = self._work.get(job.id)
        rate = work.meter.bytes_per_s(time.monotonic()) if work else None
        return job.row(self._place(job).bytes_there(), rate)

    def _place(self, job: Job) -> Place:
        return Place(self._models_dir, job)

    def _parts_of_others(self) -> set[Path]:
        unfinished = (job for job in self._jobs.values() if job.status != "completed")
        return {part for job in unfinished for part in self._place(job).bytes_to_come()}


def _already_there(job: Job) -> DownloadRow:
    """There is no job for that."""
    row = job.now("already_downloaded").row(job.total_bytes)
    return msgspec.structs.replace(row, job_id=None, started_s=None)


def _repo(hub: Hub, what: Wanted, formats: Sequence[OfferFormat]) -> Repo:
    """The repo that is named. A name of LM Studio's catalog, whose maker has no such repo or none with a model in it,
    means the conversion by LM Studio's community.
    """
    try:
        repo = hub.repo(what.repo, what.revision)
    except ModelNotFound:
        if converted := _converted(hub, what):
            return converted
        raise
    if what.file is None and not any(offer.format in formats for offer in offers(repo)):
        return _converted(hub, what) or repo
    return repo


def _converted(hub: Hub, what: Wanted) -> Repo | None:
    try:
        return None if what.revision else hub.repo(f"{CONVERTER}/{what.repo.rpartition('/')[2]}-GGUF")
    except ModelNotFound:
        return None


def _require_access(hub: Hub, job: Job) -> None:
    """Raises HubRefused now rather than in the download."""
    with hub.opened(job.repo, job.commit, job.files[0].path):
        return
