"""Names a GGUF file's quantization from its header, its file name and its tensors, in that order of trust."""

import re
from collections import Counter
from math import prod

from lms.catalog.ggml_types import FILE_TYPES, GUESSED_FILE_TYPE, TENSOR_TYPES
from lms.catalog.gguf import Header
from lms.catalog.model import Quantization

_IN_NAME = re.compile(
    r"(?:^|[-._ ])(?:ud[-_])?(?P<token>(?:iq|tq|q)\d(?:_[0-9a-z]+)*|b?f16|f32|fp16|fp32|mxfp4(?:_moe)?|nvfp4)$",
    re.IGNORECASE,
)
_PLAIN = {"FP16": "F16", "FP32": "F32", "MXFP4_MOE": "MXFP4"}
_STANDARD = frozenset(FILE_TYPES.values())


def quantization(header: Header, stem: str) -> Quantization | None:
    """The quantization of the file whose name without extension is `stem`, None when nothing tells.

    `general.file_type` decides. A file name that is finer within the same bits wins over it, because the header has no
    number for mixes such as `Q4_K_XL`; a name that contradicts the header is a name.
    """
    stated, named = _stated(header), name_token(stem)
    if stated is None:
        return Quantization.named(named) if named else _dominant(header)
    if named and named not in _STANDARD and "_" in named and Quantization.named(named).bits == stated.bits:
        return Quantization.named(named)
    return stated


def name_token(stem: str) -> str | None:
    """The quantization at the end of a file name without extension, upper case: `Q4_K_M` of `qwen3-4b-q4_k_m`."""
    found = _IN_NAME.search(stem)
    if found is None:
        return None
    token = found["token"].upper()
    return _PLAIN.get(token, token)


def without_token(stem: str) -> str:
    """The file name without extension and without the quantization at its end: `qwen3-4b` of `qwen3-4b-q4_k_m`."""
    return _IN_NAME.sub("", stem) or stem


def _stated(header: Header) -> Quantization | None:
    file_type = header.integer("general.file_type")
    if file_type is None:
        return None
    name = FILE_TYPES.get(file_type & ~GUESSED_FILE_TYPE)
    return Quantization.named(name) if name else None


def _dominant(header: Header) -> Quantization | None:
    """The tensor type that holds most weights."""
    weights: Counter[int] = Counter()
    for tensor in header.tensors:
        weights[tensor.type_id] += prod(tensor.shape)
    for type_id, _ in weights.most_common(1):
        form = TENSOR_TYPES.get(type_id)
        return Quantization.named(form.name) if form else None
    return None
