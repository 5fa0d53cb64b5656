"""The downloads of the fake daemon: a hub with one repo that has offers, and a download that comes in four steps."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from lms.catalog.offers import FoundRepo
from lms.client.control import DownloadRequest, DownloadRow, DownloadStatus, HubSearch, OfferRow, RepoOffers
from lms.errors import LmsError, to_wire

REPO = "qwen/Qwen3-4B-GGUF"
# The paths of the fake daemon's models, so that what is downloaded resolves.
SMALL = OfferRow("qwen/Qwen3-4B-GGUF/qwen3-4b-q4_k_m.gguf", "gguf", 2_500_000_000, 3_000_000_000, "Q4_K_M")
LARGE = OfferRow("qwen/Qwen3-4B-GGUF/qwen3-4b-q8_0.gguf", "gguf", 4_300_000_000, 5_100_000_000, "Q8_0")
TINIEST = OfferRow("qwen/Qwen3-4B-GGUF/qwen3-4b-q2_k.gguf", "gguf", 1_600_000_000, 1_900_000_000, "Q2_K")
FOUND = [FoundRepo(REPO, ("gguf",), 2000), FoundRepo("bartowski/Qwen3-4B-Thinking-GGUF", ("gguf",), 1000, gated=True)]
JOB = "job_493c7c9ded"


@dataclass
class FakeDownloads:
    """`has` says that the model is there already. `interrupt` is Ctrl-C after the first step."""

    found: list[FoundRepo] = field(default_factory=lambda: list(FOUND))
    offered: tuple[OfferRow, ...] = (SMALL, LARGE, TINIEST)
    hub_memory_bytes: int = 8 << 30
    memory_of: Literal["machine", "container", "budget"] = "machine"
    has: bool = False
    interrupt: bool = False
    download_error: LmsError | None = None
    refusal: LmsError | None = None
    searches: list[HubSearch] = field(default_factory=list)
    wanted: list[DownloadRequest] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    begun: list[DownloadRow] = field(default_factory=list)

    def downloads(self) -> list[DownloadRow]:
        return list(self.begun)

    def search(self, search: HubSearch) -> list[FoundRepo]:
        self.searches.append(search)
        return self.found[: search.limit]

    def look_up(self, request: DownloadRequest) -> RepoOffers:
        return RepoOffers(REPO, self.offered, self.hub_memory_bytes, self.memory_of)

    def start_download(self, request: DownloadRequest) -> DownloadRow:
        self.wanted.append(request)
        if self.refusal:
            raise self.refusal
        if self.has:
            return replace(self._row(4), status="already_downloaded", job_id=None)
        return self._row(0)

    def follow_download(self, job_id: str) -> Generator[DownloadRow, None, None]:
        yield self._row(1)
        if self.interrupt:
            raise KeyboardInterrupt
        yield self._row(2)
        if self.download_error:
            yield replace(self._row(2), status="failed", error=to_wire(self.download_error))
            return
        yield replace(self._row(4), status="completed", bytes_per_s=None)

    def pause_download(self, job_id: str) -> DownloadRow:
        self.paused.append(job_id)
        return replace(self._row(1), status="paused")

    def cancel_download(self, job_id: str) -> DownloadRow:
        self.cancelled.append(job_id)
        return self._row(1)

    def unfinished(self, status: DownloadStatus, quarters: int, number: int = 1) -> DownloadRow:
        """A download that stands so."""
        return replace(self._row(quarters), status=status, job_id=f"job_{number}")

    def _row(self, quarters: int) -> DownloadRow:
        total = SMALL.size_bytes
        return DownloadRow(
            "downloading", REPO, SMALL.path, total, total * quarters // 4, "gguf", "Q4_K_M", JOB, 1.0, bytes_per_s=1e6
        )
