"""Embedding vectors, in the length and in the two encodings that OpenAI's clients ask for."""

import array
import base64
import math
import sys
from typing import Any

from lms.errors import InvalidRequest
from lms.generation.events import Embedded
from lms.server.requests.call import EmbedCall


def rows(embedded: Embedded, call: EmbedCall) -> list[dict[str, Any]]:
    """One `embedding` object an input. Raises InvalidRequest when more dimensions are asked for than the model has.

    base64 is that of the little-endian float32 bytes, which is what the engine sends.
    """
    encode = _base64 if call.base64 else _floats
    return [
        {"object": "embedding", "embedding": encode(_shortened(vector, call)), "index": index}
        for index, vector in enumerate(embedded.vectors)
    ]


def _shortened(vector: bytes, call: EmbedCall) -> bytes:
    """The first `dimensions` of the vector, made a vector of length 1 again: https://arxiv.org/abs/2205.13147."""
    if call.dimensions is None:
        return vector
    floats = _floats(vector)
    if call.dimensions > len(floats):
        raise InvalidRequest(
            f"“{call.model}” makes vectors of {len(floats)} dimensions, not {call.dimensions}.", param="dimensions"
        )
    cut = floats[: call.dimensions]
    norm = math.hypot(*cut) or 1.0
    return _bytes([value / norm for value in cut])


def _base64(vector: bytes) -> str:
    return base64.b64encode(vector).decode("ascii")


def _floats(vector: bytes) -> list[float]:
    return _in_our_order(array.array("f", vector)).tolist()


def _bytes(floats: list[float]) -> bytes:
    return _in_our_order(array.array("f", floats)).tobytes()


def _in_our_order(floats: "array.array[float]") -> "array.array[float]":
    """From little-endian to what this machine counts with, or back."""
    if sys.byteorder == "big":
        floats.byteswap()
    return floats
