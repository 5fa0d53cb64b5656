"""Reads the header of a safetensors file: names, types and shapes of its tensors, never a weight.

Source of the format: the safetensors README, "Format": eight bytes little-endian with the length of a JSON object,
then that object `{name: {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {...}}`, then the weights,
at whose start the offsets count. A header of more than 16 MiB is refused; the largest real ones have under 2 MiB.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

import msgspec

from lms.errors import ModelDamaged

MAX_HEADER_BYTES = 16 << 20
_LENGTH = struct.Struct("<Q")


class Tensor(msgspec.Struct, frozen=True):
    """One tensor: `shape` counts elements; `data_offsets` are its first byte and the byte after its last."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


_HEADER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TENSOR = msgspec.json.Decoder(Tensor)


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of the file at `path`, by name. Raises ModelDamaged, or OSError when it cannot be opened."""
    with path.open("rb") as file:
        return read_stream(file, os.fstat(file.fileno()).st_size)


def read_stream(file: BinaryIO, size_bytes: int) -> dict[str, Tensor]:
    """The tensors of a file of `size_bytes` in all, by name. Raises ModelDamaged with the reason."""
    start = file.read(_LENGTH.size)
    if len(start) < _LENGTH.size:
        raise ModelDamaged("The file is too short to be safetensors.")
    (length,) = _LENGTH.unpack(start)
    if length > MAX_HEADER_BYTES:
        raise ModelDamaged("The file does not start with the length of a safetensors header.")
    packed = file.read(length)
    if len(packed) < length:
        raise ModelDamaged(f"The file ends inside its header, after {size_bytes:,} bytes.")
    tensors = _parse(packed)
    needed = _LENGTH.size + length + max((tensor.data_offsets[1] for tensor in tensors.values()), default=0)
    if needed > size_bytes:
        raise ModelDamaged(f"The file is cut off: it has {size_bytes:,} of {needed:,} bytes.")
    return tensors


def _parse(packed: bytes) -> dict[str, Tensor]:
    try:
        entries = _HEADER.decode(packed)
        return {name: _TENSOR.decode(entry) for name, entry in entries.items() if name != "__metadata__"}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as reason:
        raise ModelDamaged("The header is no safetensors header.") from reason
