"""How downloads are asked for and told of under `/api/v1`."""

from typing import Any

import pytest
from msgspec.structs import replace

from lms.client.control import DownloadRequest, DownloadRow
from lms.errors import DownloadNotFound, HubRefused, LmsError, NotEnoughDisk, to_wire
from lms.server.lmstudio_v1.downloads import status_body
from tests.server.conftest import MakeSite, Site

ROW = DownloadRow(
    status="downloading",
    repo="maker/tiny-GGUF",
    path="maker/tiny-GGUF/tiny-Q4_K_M.gguf",
    total_bytes=1000,
    downloaded_bytes=400,
    format="gguf",
    quantization="Q4_K_M",
    job_id="job_493c7c9ded",
    started_s=1_769_860_800.0,
    bytes_per_s=100.0,
)
STARTED = "2026-01-31T12:00:00.000Z"


class OneDownload:
    """A downloader of which one download is known, and what was asked of it."""

    def __init__(self, row: DownloadRow = ROW, refusal: LmsError | None = None) -> None:
        self.row, self.refusal = row, refusal
        self.asked: list[DownloadRequest] = []

    def start_download(self, request: DownloadRequest) -> DownloadRow:
        self.asked.append(request)
        if self.refusal:
            raise self.refusal
        return self.row

    def download(self, job_id: str) -> DownloadRow:
        if job_id != self.row.job_id:
            raise DownloadNotFound(f"No download has the id “{job_id}”.")
        return self.row


def test_a_download_is_begun(make_site: MakeSite) -> None:
    downloads = OneDownload()
    site = make_site(downloads=downloads)
    answer = site.post("/api/v1/models/download", model="maker/tiny-GGUF", quantization="Q4_K_M")
    assert answer.json == {
        "job_id": "job_493c7c9ded",
        "status": "downloading",
        "started_at": STARTED,
        "total_size_bytes": 1000,
    }
    assert downloads.asked == [DownloadRequest("maker/tiny-GGUF", "Q4_K_M")]


def test_of_what_is_there_nothing_more_is_said(make_site: MakeSite) -> None:
    there = replace(ROW, status="already_downloaded", job_id=None, started_s=None)
    answer = make_site(downloads=OneDownload(there)).post("/api/v1/models/download", model="maker/tiny-GGUF")
    assert answer.json == {"status": "already_downloaded"}


def test_how_it_stands_says_when_it_will_be_there() -> None:
    assert status_body(ROW, now_s=1_769_860_804.0) == {
        "job_id": "job_493c7c9ded",
        "status": "downloading",
        "started_at": STARTED,
        "total_size_bytes": 1000,
        "downloaded_bytes": 400,
        "bytes_per_second": 100,
        "estimated_completion": "2026-01-31T12:00:10.000Z",
    }


def test_while_nothing_comes_no_end_is_in_sight() -> None:
    body = status_body(replace(ROW, bytes_per_s=0.0), now_s=0.0)
    assert body["bytes_per_second"] == 0
    assert "estimated_completion" not in body


@pytest.mark.parametrize("status", ["paused", "completed", "failed"])
def test_a_download_that_stands_still_has_no_rate(status: Any) -> None:
    assert not {"bytes_per_second", "estimated_completion"} & status_body(replace(ROW, status=status), 0.0).keys()


def test_a_completed_download_says_when_it_was() -> None:
    done = replace(ROW, status="completed", completed_s=1_769_860_800.25, downloaded_bytes=1000)
    assert status_body(done, 0.0)["completed_at"] == "2026-01-31T12:00:00.250Z"


def test_a_failed_download_says_why() -> None:
    failed = replace(ROW, status="failed", error=to_wire(NotEnoughDisk("The disk is full.")))
    assert status_body(failed, 0.0)["error"] == {"code": "not_enough_disk", "message": "The disk is full."}


def test_the_status_is_found_by_its_id(make_site: MakeSite) -> None:
    client = make_site(downloads=OneDownload()).client
    assert client.get("/api/v1/models/download/status/job_493c7c9ded").json["job_id"] == "job_493c7c9ded"
    unknown = client.get("/api/v1/models/download/status/job_0000000000")
    assert (unknown.status_code, unknown.json["error"]["type"]) == (404, "job_not_found")


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "model"), ({"model": ""}, "model"), ({"model": "a/b", "quantization": 4}, "quantization"),
     ({"model": "a/b", "revision": "main"}, "revision")],
)  # fmt: skip
def test_a_body_that_is_wrong_names_its_field(site: Site, body: dict[str, Any], param: str) -> None:
    answer = site.post("/api/v1/models/download", **body)
    assert (answer.status_code, answer.json["error"]["param"]) == (400, param)


def test_a_lenient_server_passes_over_unknown_fields(make_site: MakeSite) -> None:
    site = make_site(downloads=OneDownload(), lenient=True)
    assert site.post("/api/v1/models/download", model="a/b", revision="main").status_code == 200


@pytest.mark.parametrize(("error", "status"), [(HubRefused("Gated."), 403), (NotEnoughDisk("Full."), 507)])
def test_why_it_cannot_be_begun_is_said(make_site: MakeSite, error: LmsError, status: int) -> None:
    answer = make_site(downloads=OneDownload(refusal=error)).post("/api/v1/models/download", model="a/b")
    assert (answer.status_code, answer.json["error"]["code"]) == (status, error.code)


def test_a_server_without_downloads_says_so(site: Site) -> None:
    assert site.post("/api/v1/models/download", model="a/b").status_code == 400
    assert site.client.get("/api/v1/models/download/status/job_0000000000").status_code == 404
