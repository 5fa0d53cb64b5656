"""`POST /api/v1/models/download`, and how a download stands.

https://lmstudio.ai/docs/developer/rest/download. LM Studio's catalog of models is not public: `publisher/name` is a
repo on the hub here, and where the maker has none with a model in it, LM Studio's conversion of it.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from lms.client.control import DownloadRequest, DownloadRow
from lms.server.requests.fields import NonEmpty, decode


class DownloadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: NonEmpty
    quantization: NonEmpty | None = None


class LenientDownloadBody(DownloadBody, frozen=True, forbid_unknown_fields=False):
    """As `LenientChatBody`, without a TTL."""


def parse(raw: bytes, lenient: bool = False) -> DownloadRequest:
    """What is to be downloaded. Raises InvalidRequest naming the field."""
    body = decode(raw, LenientDownloadBody if lenient else DownloadBody)
    return DownloadRequest(body.model, body.quantization)


def begun_body(row: DownloadRow) -> dict[str, Any]:
    """What became of the wish: of a model that was there already, no more than that."""
    if row.job_id is None:
        return {"status": "already_downloaded"}
    return {"job_id": row.job_id, "status": row.status, **_times(row), "total_size_bytes": row.total_bytes}


def status_body(row: DownloadRow, now_s: float) -> dict[str, Any]:
    """How it stands, at that unix time. `error` says why one has failed, which LM Studio does not tell."""
    fields = begun_body(row) | {"downloaded_bytes": row.downloaded_bytes} | _pace(row, now_s)
    return fields | ({"error": row.error} if row.error else {})


def _pace(row: DownloadRow, now_s: float) -> dict[str, Any]:
    """The end is not estimated while nothing comes."""
    if row.status != "downloading":
        return {}
    rate = row.bytes_per_s or 0.0
    fields: dict[str, Any] = {"bytes_per_second": round(rate)}
    if rate > 0:
        fields["estimated_completion"] = _iso(now_s + (row.total_bytes - row.downloaded_bytes) / rate)
    return fields


def _times(row: DownloadRow) -> dict[str, str]:
    times = {"started_at": row.started_s, "completed_at": row.completed_s}
    return {name: _iso(time_s) for name, time_s in times.items() if time_s is not None}


def _iso(time_s: float) -> str:
    """A unix time as `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
