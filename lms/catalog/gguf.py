"""Reads the header of a GGUF file: metadata and tensor shapes, never a weight. Every count is bounded, so that a
truncated or hostile file costs about a second and a few tens of megabytes at most, and ends in `ModelDamaged`.

Source of the format: ggml's `docs/gguf.md`. Versions 2 and 3, little-endian. Long arrays (vocabularies) are stepped
over; only their length is kept.
"""

import os
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lms.catalog.ggml_types import TENSOR_TYPES
from lms.errors import ModelDamaged

MAX_ENTRIES = 65_536  # metadata keys, and tensors; real files have under 100 and under 5,000
MAX_TEXT_BYTES = 1 << 20  # one text; the longest chat templates have some 30 KB
MAX_TEXTS_BYTES = 16 << 20  # all texts that are kept
MAX_SKIPPED_TEXTS = 2_000_000  # texts in arrays; the largest vocabularies with their merges have under 1,000,000
MAX_KEPT_ITEMS = 1_024  # numbers in an array that is kept: one per layer
MAX_DIMENSIONS = 4
DEFAULT_ALIGNMENT = 32
CHUNK_BYTES = 1 << 18

_TEXT, _ARRAY = 8, 9
_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_U32, _U64 = _SCALARS[4], _SCALARS[10]

_NOT_GGUF = {
    b"": "The file is empty.",
    b"vers": "The file is a Git LFS pointer, not the model itself.",
    b"<!DO": "The file is a web page, not a model.",
    b"<htm": "The file is a web page, not a model.",
    b"lmgg": "The file is in the GGML format from before GGUF.",
    b"tjgg": "The file is in the GGJT format from before GGUF.",
    b"PK\x03\x04": "The file is a PyTorch or zip archive, not GGUF.",
}


class Array(NamedTuple):
    """An array of the metadata. `items` is None when it was stepped over: texts, and more than 1,024 numbers.

    Of texts, `start` and `end` are where in the file they lie, each with its length before it.
    """

    length: int
    items: tuple[int | float, ...] | None
    start: int = 0
    end: int = 0


Value = str | int | float | Array


class Tensor(NamedTuple):
    """One tensor: `shape` counts elements with the contiguous dimension first, `offset` is from the data's start."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the weights. `needed_bytes` is the least size of a file that holds all of its tensors."""

    version: int
    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    needed_bytes: int

    def text(self, key: str) -> str | None:
        """The text under `key`, None when absent or of another type."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def integer(self, key: str) -> int | None:
        """The whole number under `key`; of an array, its largest item. None when absent or of another type."""
        value = self.metadata.get(key)
        if isinstance(value, Array):
            return max((int(item) for item in value.items or ()), default=None)
        return int(value) if isinstance(value, int) else None

    def integers(self, key: str) -> tuple[int, ...] | None:
        """The array of numbers under `key`, None when absent, stepped over or of another type."""
        value = self.metadata.get(key)
        if isinstance(value, Array) and value.items is not None:
            return tuple(int(item) for item in value.items)
        return None

    def length(self, key: str) -> int | None:
        """How many items the array under `key` has, None when absent or of another type."""
        value = self.metadata.get(key)
        return value.length if isinstance(value, Array) else None


def read(path: Path) -> Header:
    """The header of the file at `path`. Raises ModelDamaged with the reason, or OSError when it cannot be opened."""
    with path.open("rb", buffering=0) as file:
        return read_stream(file, os.fstat(file.fileno()).st_size)


def read_stream(file: BinaryIO, size_bytes: int) -> Header:
    """The header at the start of `file`, which has `size_bytes` in all. Raises ModelDamaged with the reason."""
    reader = _Reader(file, size_bytes)
    version = _version(reader)
    tensor_count = _count(reader, "tensors", at_least_bytes=24)
    metadata_count = _count(reader, "metadata keys", at_least_bytes=13)
    metadata = _metadata(reader, metadata_count)
    tensors = tuple(_tensor(reader) for _ in range(tensor_count))
    data_start = _data_start(reader.position, metadata)
    needed_bytes = max((data_start + tensor.offset + tensor_bytes(tensor) for tensor in tensors), default=0)
    return Header(version, metadata, tensors, needed_bytes)


class _Reader:
    """A position in a file, read in chunks. Asking for more than the file has raises ModelDamaged."""

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self._file = file
        self._size = size_bytes
        self._chunk = b""
        self._chunk_start = 0
        self._at = 0
        self._texts_bytes = 0
        self._skipped_texts = 0

    @property
    def position(self) -> int:
        return self._chunk_start + self._at

    @property
    def left(self) -> int:
        return self._size - self.position

    def take(self, count: int) -> bytes:
        """The next `count` bytes; the caller has bounded `count`."""
        self._hold(count)
        self._at += count
        return self._chunk[self._at - count : self._at]

    def skip(self, count: int) -> None:
        """Step over `count` bytes without reading them."""
        if count > self.left:
            raise self.cut_off()
        self._at += count
        if self._at > len(self._chunk):
            self._chunk_start, self._chunk, self._at = self.position, b"", 0
            self._file.seek(self._chunk_start)

    def number(self, form: struct.Struct) -> int:
        return int(form.unpack(self.take(form.size))[0])

    def text(self) -> str:
        """A text that is kept: its length in eight bytes, then UTF-8."""
        length = self.number(_U64)
        self._texts_bytes += length
        if length > self.left:
            raise self.cut_off()
        if length > MAX_TEXT_BYTES or self._texts_bytes > MAX_TEXTS_BYTES:
            raise ModelDamaged("The header holds more text than any real model.")
        return self.take(length).decode("utf-8", errors="replace")

    def skip_texts(self, count: int) -> None:
        """Step over an array of texts. The inner loop is what reading a vocabulary of 150,000 costs: keep it bare."""
        self._skipped_texts += count
        if self._skipped_texts > MAX_SKIPPED_TEXTS:
            raise ModelDamaged("The header holds a longer list of texts than any real model.")
        length_at = _U64.unpack_from
        while count:
            self._hold(8)
            chunk, at, last = self._chunk, self._at, len(self._chunk) - 8
            while count and at <= last:
                at += 8 + length_at(chunk, at)[0]
                count -= 1
            self.skip(at - self._at)

    def _hold(self, count: int) -> None:
        if self._at + count <= len(self._chunk):
            return
        if count > self.left:
            raise self.cut_off()
        rest = self._chunk[self._at :]
        self._chunk_start, self._at = self.position, 0
        self._chunk = rest + self._file.read(max(CHUNK_BYTES, count - len(rest)))
        if len(self._chunk) < count:
            raise self.cut_off()

    def cut_off(self) -> ModelDamaged:
        return ModelDamaged(f"The file ends inside its header, after {self._size:,} bytes.")


def _version(reader: _Reader) -> int:
    magic = reader.take(min(4, reader.left))
    if magic != b"GGUF":
        raise ModelDamaged(_NOT_GGUF.get(magic, "The file does not start with the letters GGUF."))
    version = reader.number(_U32)
    if version in (2, 3):
        return version
    if version & 0xFFFF == 0:
        raise ModelDamaged("The file is a big-endian GGUF, which this program does not read.")
    raise ModelDamaged(f"The file is GGUF version {version}; this program reads versions 2 and 3.")


def _count(reader: _Reader, noun: str, at_least_bytes: int) -> int:
    count = reader.number(_U64)
    if count > MAX_ENTRIES:
        raise ModelDamaged(f"The header announces {count:,} {noun}, which cannot be.")
    if count * at_least_bytes > reader.left:
        raise reader.cut_off()
    return count


def _metadata(reader: _Reader, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = reader.text()
        if key in metadata:
            raise ModelDamaged(f"The header has the key “{_shown(key)}” twice.")
        metadata[key] = _value(reader, reader.number(_U32))
    return metadata


def _value(reader: _Reader, type_id: int) -> Value:
    if type_id == _TEXT:
        return reader.text()
    if type_id == _ARRAY:
        return _array(reader, reader.number(_U32), reader.number(_U64))
    form = _scalar(type_id)
    value: int | float = form.unpack(reader.take(form.size))[0]
    return value


def _array(reader: _Reader, type_id: int, length: int) -> Array:
    if type_id == _TEXT:
        start = reader.position
        reader.skip_texts(length)
        return Array(length, None, start, reader.position)
    form = _scalar(type_id)
    if length > MAX_KEPT_ITEMS:
        reader.skip(length * form.size)
        return Array(length, None)
    packed = reader.take(length * form.size)
    return Array(length, tuple(item for (item,) in form.iter_unpack(packed)))


def _scalar(type_id: int) -> struct.Struct:
    form = _SCALARS.get(type_id)
    if form is None:
        raise ModelDamaged(f"The header holds a value of the unknown type {type_id}.")
    return form


def _tensor(reader: _Reader) -> Tensor:
    name = reader.text()
    dimensions = reader.number(_U32)
    if dimensions > MAX_DIMENSIONS:
        raise ModelDamaged(f"The tensor “{_shown(name)}” has {dimensions:,} dimensions.")
    shape = tuple(reader.number(_U64) for _ in range(dimensions))
    return Tensor(name, shape, reader.number(_U32), reader.number(_U64))


def _data_start(header_end: int, metadata: dict[str, Value]) -> int:
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        raise ModelDamaged("The header asks for an impossible alignment.")
    return -(-header_end // alignment) * alignment


def tensor_bytes(tensor: Tensor) -> int:
    """Bytes of the tensor's weights in the file; 0 when its type is newer than this program."""
    form = TENSOR_TYPES.get(tensor.type_id)
    return prod(tensor.shape) * form.block_bytes // form.block if form else 0


def _shown(name: str) -> str:
    return "".join(letter for letter in name[:60] if letter.isprintable())
