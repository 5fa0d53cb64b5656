"""By what a model is known wherever its files lie: to the engine, which keeps prompts for it, and to who deletes it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from lms.catalog.layout import SHARD

BLOCKS = 256
BLOCK_BYTES = 16 * 1024


def model_files(first: Path) -> list[Path]:
    """All files of the GGUF model whose first one is `first`, whether they are there or not."""
    divided = SHARD.fullmatch(first.name)
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


def prompt_folder(prompt_cache: Path, model_path: Path) -> Path:
    """Where prompts of the GGUF model at `model_path` are kept on disk. Raises OSError when its files are not there."""
    return prompt_cache / model_identity(model_files(model_path))


def _blocks(path: Path, size_bytes: int) -> Iterable[bytes]:
    if size_bytes <= BLOCKS * BLOCK_BYTES:
        yield path.read_bytes()
        return
    last = size_bytes - BLOCK_BYTES
    with path.open("rb", buffering=0) as file:
        for number in range(BLOCKS):
            file.seek(last * number // (BLOCKS - 1))
            yield file.read(BLOCK_BYTES)
