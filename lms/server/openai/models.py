"""`GET /v1/models` and `GET /v1/models/{model}`."""

from collections.abc import Iterable
from typing import Any

from lms.server.visible import Visible


def body(rows: Iterable[Visible]) -> dict[str, Any]:
    return {"object": "list", "data": [row_body(row) for row in rows]}


def row_body(row: Visible) -> dict[str, Any]:
    """`created` is when the model's file was last changed, in unix seconds. The lengths, in tokens, are not OpenAI's:
    `context_length` is that of a loaded model.
    """
    fields = {
        "id": row.id,
        "object": "model",
        "created": row.model.modified_s,
        "owned_by": row.model.publisher,
        "max_context_length": row.model.max_context_length,
    }
    loaded = row.instance if row.is_loaded else None
    return fields | ({"context_length": loaded.context_length} if loaded else {})
