"""The routes under /internal that get models from the hub."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from typing import Protocol

from flask import Blueprint, Response

from lms.catalog.offers import FoundRepo
from lms.client.control import DownloadId, DownloadReport, DownloadRequest, DownloadRow, HubSearch, RepoOffers
from lms.errors import LmsError, to_wire
from lms.server.internal.lines import line
from lms.server.internal.routes import answering, payload, reply, streamed
from lms.server.services import Downloader


class Downloads(Downloader, Protocol):
    """What the API needs of them. Any method may raise an `LmsError`."""

    def search(self, search: HubSearch) -> list[FoundRepo]: ...

    def look_up(self, request: DownloadRequest) -> RepoOffers: ...

    def downloads(self) -> list[DownloadRow]: ...

    def follow(self, job_id: str) -> Generator[DownloadRow, None, None]: ...

    def pause_download(self, job_id: str) -> DownloadRow: ...

    def cancel_download(self, job_id: str) -> DownloadRow: ...


def blueprint(downloads: Downloads) -> Blueprint:
    """To be registered on the daemon's own API."""
    api = Blueprint("downloads", __name__)
    api.get("/downloads")(answering("downloads", downloads.downloads))

    @api.post("/hub/search")
    def search() -> Response:
        return reply(downloads.search(payload(HubSearch)))

    @api.post("/hub/offers")
    def look_up() -> Response:
        return reply(downloads.look_up(payload(DownloadRequest)))

    @api.post("/downloads")
    def start() -> Response:
        return reply(downloads.start_download(payload(DownloadRequest)))

    @api.post("/downloads/status")
    def status() -> Response:
        return reply(downloads.download(payload(DownloadId).job_id))

    @api.post("/downloads/follow")
    def follow() -> Response:
        with ExitStack() as stack:
            rows = stack.enter_context(closing(downloads.follow(payload(DownloadId).job_id)))
            return streamed(_reports(rows), stack)

    @api.post("/downloads/pause")
    def pause() -> Response:
        return reply(downloads.pause_download(payload(DownloadId).job_id))

    @api.post("/downloads/cancel")
    def cancel() -> Response:
        return reply(downloads.cancel_download(payload(DownloadId).job_id))

    return api


def _reports(rows: Iterator[DownloadRow]) -> Iterator[bytes]:
    try:
        for row in rows:
            yield line(DownloadReport(row))
    except LmsError as error:
        yield line(DownloadReport(error=to_wire(error)))
