"""`POST /v1/embeddings`: the reply. The body is `requests/embedding.py`."""

from typing import Any

from lms.client.control import Lease
from lms.generation.events import Embedded
from lms.server import vectors
from lms.server.requests.call import EmbedCall


def body(embedded: Embedded, call: EmbedCall, lease: Lease) -> dict[str, Any]:
    """The reply. Raises InvalidRequest as `vectors.rows` does."""
    tokens = embedded.prompt_tokens
    return {
        "object": "list",
        "data": vectors.rows(embedded, call),
        "model": lease.identifier,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
