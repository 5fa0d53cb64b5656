"""`POST /v1/rerank`: body and reply, as Jina and Cohere have them: https://jina.ai/reranker.

The scores are the model's own, as llama.cpp's server gives them: the higher the better, and not between 0 and 1.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lms.client.control import Lease
from lms.generation.events import Ranked
from lms.generation.request import RankRequest
from lms.server.requests.call import PlainCall
from lms.server.requests.fields import Body, NonEmpty, PositiveInt, decode, only


class Document(msgspec.Struct, frozen=True):
    text: str


class RerankBody(Body, frozen=True, kw_only=True):
    query: NonEmpty
    documents: Annotated[list[str | Document], Meta(min_length=1, max_length=2048)]
    top_n: PositiveInt | None = None
    return_documents: bool = False
    max_tokens_per_doc: Any = None
    rank_fields: Any = None


@dataclass(frozen=True)
class RerankCall:
    """What to ask, and what to tell of it: the best `top_n`, or all; with their texts if `documents` has any."""

    plain: PlainCall
    top_n: int | None
    documents: tuple[str, ...]


def parse(raw: bytes) -> RerankCall:
    """Raises InvalidRequest or Unsupported naming the field."""
    body = decode(raw, RerankBody)
    only(body.max_tokens_per_doc, (None,), "max_tokens_per_doc")
    only(body.rank_fields, (None,), "rank_fields")
    documents = tuple(given if isinstance(given, str) else given.text for given in body.documents)
    plain = PlainCall(body.model, RankRequest(body.query, documents), "embedding", body.ttl)
    return RerankCall(plain, body.top_n, documents if body.return_documents else ())


def body(ranked: Ranked, call: RerankCall, lease: Lease) -> dict[str, Any]:
    """The reply, the best document first."""
    best = sorted(enumerate(ranked.scores), key=lambda scored: -scored[1])[: call.top_n]
    return {
        "object": "list",
        "model": lease.identifier,
        "results": [_result(index, score, call.documents) for index, score in best],
        "usage": {"prompt_tokens": ranked.prompt_tokens, "total_tokens": ranked.prompt_tokens},
    }


def _result(index: int, score: float, documents: tuple[str, ...]) -> dict[str, Any]:
    document = {"document": {"text": documents[index]}} if documents else {}
    return {"index": index, "relevance_score": score} | document
