"""Which model, under which settings, a stored state belongs to. A state under the wrong key would not be refused but
answer nonsense, so whatever might change one is part of it; a key that changes for nothing only costs a prefill.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from lms.engine.state_format import KEY_BYTES

BLOCKS = 256
BLOCK_BYTES = 16 * 1024

_PART = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.gguf", re.IGNORECASE | re.ASCII)

Setting = str | int | float | bool | None


def model_files(first: Path) -> list[Path]:
    """All files of the GGUF model whose first one is `first`, whether they are there or not."""
    divided = _PART.fullmatch(first.name)
    if divided is None:
        return [first]
    stem, count = divided["stem"], divided["count"]
    return [first.with_name(f"{stem}-{number:05}-of-{count}{first.suffix}") for number in range(1, int(count) + 1)]


def model_identity(files: Iterable[Path]) -> str:
    """A name for the model in these files, wherever they lie, as 32 hexadecimal digits. Raises OSError.

    A hash over each file's size, time of change and up to 256 blocks of 16 KiB spread evenly through it: all of a file
    up to 4 MiB. A model trained further differs nearly everywhere, so in the blocks; one that was edited in a few
    tensors may agree in all blocks, but not in the time too. A copy that does not keep the time is another model here.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        there = path.stat()
        digest.update(f"{there.st_size} {there.st_mtime_ns};".encode())
        for block in _blocks(path, there.st_size):
            digest.update(block)
    return digest.hexdigest()


def state_key(settings: Mapping[str, Setting]) -> bytes:
    """The key of states computed under `settings`: version of llama.cpp, cache types, and whatever else changes them.

    The order of the settings does not matter; the processor's byte order is added.
    """
    said = json.dumps({**settings, "byte_order": sys.byteorder}, sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=KEY_BYTES).digest()


def _blocks(path: Path, size_bytes: int) -> Iterable[bytes]:
    if size_bytes <= BLOCKS * BLOCK_BYTES:
        yield path.read_bytes()
        return
    last = size_bytes - BLOCK_BYTES
    with path.open("rb", buffering=0) as file:
        for number in range(BLOCKS):
            file.seek(last * number // (BLOCKS - 1))
            yield file.read(BLOCK_BYTES)
