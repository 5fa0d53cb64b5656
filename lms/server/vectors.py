"""Embedding vectors in the two encodings that OpenAI's clients ask for."""

import array
import base64
import sys
from typing import Any

from lms.errors import InvalidRequest
from lms.generation.events import Embedded
from lms.server.requests.call import EmbedCall

_FLOAT_BYTES = 4


def rows(embedded: Embedded, call: EmbedCall) -> list[dict[str, Any]]:
    """One `embedding` object an input. Raises InvalidRequest when the model's vectors have another length than asked.

    base64 is that of the little-endian float32 bytes, which is what the engine sends.
    """
    for vector in embedded.vectors:
        _check_length(len(vector) // _FLOAT_BYTES, call)
    encode = _base64 if call.base64 else _floats
    return [
        {"object": "embedding", "embedding": encode(vector), "index": index}
        for index, vector in enumerate(embedded.vectors)
    ]


def _check_length(length: int, call: EmbedCall) -> None:
    if call.dimensions not in (None, length):
        raise InvalidRequest(
            f"“{call.model}” makes vectors of {length} dimensions, not {call.dimensions}.", param="dimensions"
        )


def _base64(vector: bytes) -> str:
    return base64.b64encode(vector).decode("ascii")


def _floats(vector: bytes) -> list[float]:
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tolist()
