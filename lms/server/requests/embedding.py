"""The body of an embedding request."""

from typing import Annotated, Literal

from msgspec import Meta

from lms.generation.request import EmbedRequest
from lms.server.requests.call import EmbedCall
from lms.server.requests.fields import Body, PositiveInt, TokenId, TokenIds, decode
from lms.server.requests.text import texts_or_tokens


class EmbeddingBody(Body, frozen=True, kw_only=True):
    input: str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: PositiveInt | None = None


def parse(raw: bytes) -> EmbedCall:
    """The call that an embedding body asks for. Raises InvalidRequest naming the field."""
    body = decode(raw, EmbeddingBody)
    inputs = [body.input] if isinstance(body.input, str) else texts_or_tokens(body.input, "input")
    return EmbedCall(
        body.model, EmbedRequest(tuple(inputs)), body.encoding_format == "base64", body.dimensions, body.ttl
    )
