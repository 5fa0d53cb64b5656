import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from lms.catalog.identity import BLOCK_BYTES, BLOCKS, model_files, model_identity

LARGE_BYTES = BLOCKS * BLOCK_BYTES * 3


def model(path: Path, seed: int = 1, size_bytes: int = LARGE_BYTES) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(np.random.default_rng(seed).bytes(size_bytes))
    os.utime(path, ns=(10**18, 10**18))
    return path


def test_a_model_that_was_moved_is_the_same(tmp_path: Path) -> None:
    here = model(tmp_path / "a.gguf")
    known = model_identity([here])
    there = tmp_path / "b.gguf"
    shutil.move(here, there)
    assert model_identity([there]) == known


def test_other_weights_of_the_same_size_and_time_are_another_model(tmp_path: Path) -> None:
    assert model_identity([model(tmp_path / "a.gguf", 1)]) != model_identity([model(tmp_path / "b.gguf", 2)])


@pytest.mark.parametrize("part", range(3))
def test_other_weights_anywhere_in_a_large_file_are_another_model(tmp_path: Path, part: int) -> None:
    path = model(tmp_path / "a.gguf")
    known = model_identity([path])
    content = bytearray(path.read_bytes())
    third = LARGE_BYTES // 3
    content[part * third : (part + 1) * third] = bytes(third)
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    assert model_identity([path]) != known


def test_one_byte_of_a_small_model_makes_another_one(tmp_path: Path) -> None:
    path = model(tmp_path / "a.gguf", size_bytes=100_000)
    known = model_identity([path])
    content = bytearray(path.read_bytes())
    content[50_001] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    assert model_identity([path]) != known


def test_a_model_that_was_written_again_is_another_one(tmp_path: Path) -> None:
    path = model(tmp_path / "a.gguf")
    known = model_identity([path])
    os.utime(path)
    assert model_identity([path]) != known


def test_the_files_of_a_model_are_named_by_its_first_one() -> None:
    assert model_files(Path("/m/a.gguf")) == [Path("/m/a.gguf")]
    assert model_files(Path("/m/a-00001-of-00003.gguf")) == [Path(f"/m/a-0000{n}-of-00003.gguf") for n in (1, 2, 3)]


def test_every_part_of_a_divided_model_counts(tmp_path: Path) -> None:
    first, second, other = (model(tmp_path / f"{number}.gguf", number, 1000) for number in range(3))
    assert len({model_identity(parts) for parts in ([first], [first, second], [first, other])}) == 3
