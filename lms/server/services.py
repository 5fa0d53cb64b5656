"""What the public dialects stand on: somebody who knows the models and grants leases on them.

In the daemon that is the pool itself, in the front a client of the daemon: both have these methods.
"""

from collections.abc import Generator
from typing import Protocol

from lms.client.control import (
    DownloadRequest,
    DownloadRow,
    InstanceRow,
    Lease,
    LeaseProgress,
    LeaseRequest,
    LoadDone,
    LoadProgress,
    LoadRequest,
    ModelRow,
)
from lms.errors import DownloadNotFound, Unsupported


class Downloader(Protocol):
    """Somebody who gets models from the hub. Any method may raise an `LmsError`."""

    def start_download(self, request: DownloadRequest) -> DownloadRow:
        """Begin a download, or join it."""

    def download(self, job_id: str) -> DownloadRow:
        """How it stands. Raises DownloadNotFound."""


class NoDownloads:
    """The twin that gets nothing."""

    def start_download(self, request: DownloadRequest) -> DownloadRow:
        raise Unsupported("This server downloads no models.")

    def download(self, job_id: str) -> DownloadRow:
        raise DownloadNotFound(f"No download has the id “{job_id}”.")


class Backend(Protocol):
    """Any method may raise an `LmsError`."""

    def models(self) -> list[ModelRow]:
        """Every model on disk, sorted by key."""

    def instances(self) -> list[InstanceRow]:
        """Every loaded or loading model."""

    def resolve(self, typed: str) -> ModelRow:
        """The model on disk that `typed` means. Raises ModelNotFound or AmbiguousModel."""

    def wait_for_lease(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        """The right to send one request to a model, which is loaded first if need be; before it None about twice a
        second, and news of the load if the request asks for them. The lease says what the engine has to know of the
        draft model.

        Closing it ends the waiting.
        """

    def load(self, request: LoadRequest) -> Generator[LoadProgress | LoadDone, None, None]:
        """Progress, then `LoadDone`. Closing it before that cancels the load."""

    def unload(self, identifier: str) -> InstanceRow:
        """Returns when its memory is free. Raises ModelNotFound when no instance has exactly that identifier."""

    def jit(self) -> bool:
        """Whether a request may load a model."""
