"""`POST /api/v0/embeddings`: the reply. The body is `requests/embedding.py`."""

from typing import Any

from lms.client.control import Lease, ModelRow
from lms.generation.events import Embedded
from lms.server import vectors
from lms.server.requests.call import EmbedCall


def body(embedded: Embedded, call: EmbedCall, lease: Lease) -> dict[str, Any]:
    """The reply, its `model` with the quantization, as LM Studio writes it. Raises InvalidRequest as `vectors` does."""
    tokens = embedded.prompt_tokens
    return {
        "object": "list",
        "data": vectors.rows(embedded, call),
        "model": variant(lease.model),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def variant(model: ModelRow) -> str:
    """`key@quantization` in lower case; `@?` stands for an unknown one."""
    return model.selected_variant or f"{model.key}@{(model.quantization or '?').lower()}"
