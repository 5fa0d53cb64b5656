"""A hub in a process of its own, and downloads from it into a folder of models."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from lms.catalog.catalog import scan
from lms.client.control import DownloadRequest, DownloadRow
from lms.downloads.downloads import Downloads
from lms.paths import Home, bundled_models_dir
from tests.hub.process import HubProcess

# A model that can be read, so that the catalog lists what has been downloaded.
MODEL = next(bundled_models_dir().rglob("*.gguf")).read_bytes()
REPO = "maker/tiny-GGUF"


def noise(size: int, seed: int = 0) -> bytes:
    return Random(seed).randbytes(size)


class Shop:
    """A home with its downloads. `told` is what was said of them."""

    def __init__(self, folder: Path, hub: HubProcess) -> None:
        self.home, self.models_dir, self.hub = Home(folder / "home"), folder / "models", hub
        self.told: list[tuple[str, bool]] = []
        self.downloads = self.opened()

    def opened(self, backoff_s: tuple[float, ...] = (0.0,) * 5) -> Downloads:
        """What a daemon that comes next has."""
        self.downloads = Downloads(self.home, self.models_dir, self._tell, backoff_s=backoff_s)
        return self.downloads

    def start(self, model: str = REPO, token: str | None = None, quantization: str | None = None) -> DownloadRow:
        request = DownloadRequest(model, quantization, endpoint=self.hub.address, token=token or "hf_unknown")
        return self.downloads.start_download(request)

    def get(self, model: str = REPO, **options: str) -> DownloadRow:
        """Start, and wait for the end."""
        row = self.start(model, **options)
        return self.ended(row.job_id) if row.job_id else row

    def begun(self, model: str = REPO) -> DownloadRow:
        """Start, and wait until a part of it has come."""
        job_id = self.start(model).job_id
        assert job_id is not None
        return self._until(job_id, lambda row: row.downloaded_bytes > 0)

    def ended(self, job_id: str | None) -> DownloadRow:
        assert job_id is not None
        return self._until(job_id, lambda row: row.status in ("completed", "failed"))

    def _until(self, job_id: str, holds: Callable[[DownloadRow], bool]) -> DownloadRow:
        with closing(self.downloads.follow(job_id)) as rows:
            return next(row for row in rows if holds(row))

    def whole(self, name: str, repo: str = REPO) -> Path:
        return self.models_dir / repo / name

    def part(self, name: str, repo: str = REPO) -> Path:
        return self.models_dir / repo / f"{name}.part"

    def keys(self) -> list[str]:
        return [model.key for model in scan(self.models_dir)]

    def _tell(self, message: str, is_bad: bool) -> None:
        self.told.append((message, is_bad))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    hub = HubProcess(tmp_path / "hub")
    hub.add(REPO, {"tiny-Q4_K_M.gguf": MODEL, "tiny-Q8_0.gguf": MODEL + noise(64), "README.md": b"# Tiny"})
    yield hub
    hub.close()


@pytest.fixture
def shop(tmp_path: Path, hub: HubProcess) -> Iterator[Shop]:
    shop = Shop(tmp_path, hub)
    yield shop
    shop.downloads.close()
