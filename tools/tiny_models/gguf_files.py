"""What both GGUF files have in common: general metadata and the storing of tensors.

Matrices are stored as Q8_0 (blocks of 32 with one scale), vectors as F32.
"""

from pathlib import Path

import gguf
import numpy
from tokenizers import Tokenizer
from torch import Tensor

QUANT = "Q8_0"


def new_file(path: Path, architecture: str, name: str, description: str) -> gguf.GGUFWriter:
    """A writer with the `general.*` keys set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    writer.add_author("lms")
    writer.add_organization("lms")
    writer.add_description(description)
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    return writer


def add_tensor(writer: gguf.GGUFWriter, name: str, weight: Tensor, exact: bool = False) -> None:
    """Add one weight in the stored precision, or as F32 when it must be `exact`."""
    values = weight.detach().float().numpy()
    if exact or values.ndim == 1:
        writer.add_tensor(name, values)
        return
    kind = gguf.GGMLQuantizationType.F16
    writer.add_tensor(name, gguf.quants.quantize(numpy.ascontiguousarray(values), kind), raw_dtype=kind)


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that must be there."""
    found = tokenizer.token_to_id(token)
    if found is None:
        raise KeyError(f"the vocabulary has no {token}")
    return found


def write(writer: gguf.GGUFWriter) -> None:
    """Put everything on disk."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
