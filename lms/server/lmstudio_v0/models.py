"""`GET /api/v0/models` and `GET /api/v0/models/{model}`."""

from collections.abc import Iterable
from typing import Any

from lms.client.control import ModelKind
from lms.server.visible import Visible

_TYPE: dict[ModelKind, str] = {"llm": "llm", "vlm": "vlm", "embedding": "embeddings"}


def body(rows: Iterable[Visible]) -> dict[str, Any]:
    return {"object": "list", "data": [row_body(row) for row in rows]}


def row_body(row: Visible) -> dict[str, Any]:
    """`capabilities` and `loaded_context_length` are there only when they apply, as in LM Studio."""
    model = row.model
    fields: dict[str, Any] = {
        "id": row.id,
        "object": "model",
        "type": _TYPE[model.kind],
        "publisher": model.publisher,
        "arch": model.arch,
        "compatibility_type": model.format,
        "quantization": model.quantization,
        "state": _state(row),
        "max_context_length": model.max_context_length,
    }
    if row.instance is not None and row.is_loaded:
        fields["loaded_context_length"] = row.instance.context_length
    if model.tool_use:
        fields["capabilities"] = ["tool_use"]
    return fields


def _state(row: Visible) -> str:
    if row.instance is None:
        return "not-loaded"
    return "loaded" if row.is_loaded else "loading"
