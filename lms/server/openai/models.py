"""`GET /v1/models` and `GET /v1/models/{model}`."""

from collections.abc import Iterable
from typing import Any

from lms.server.visible import Visible


def body(rows: Iterable[Visible]) -> dict[str, Any]:
    return {"object": "list", "data": [row_body(row) for row in rows]}


def row_body(row: Visible) -> dict[str, Any]:
    """`created` is when the model's file was last changed, in unix seconds."""
    return {"id": row.id, "object": "model", "created": row.model.modified_s, "owned_by": row.model.publisher}
