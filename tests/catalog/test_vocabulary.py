"""Which models can exchange token ids."""

import struct
from pathlib import Path

import pytest

from lms.catalog import gguf
from lms.catalog.vocabulary import fingerprint, padding_bytes
from tests.catalog.files import write_gguf
from tests.engine import models
from tests.engine.processes import bundled


def of(path: Path) -> str:
    return fingerprint(path, gguf.read(path))


def test_models_with_the_same_tokens_have_the_same_fingerprint(tmp_path: Path) -> None:
    assert of(models.scrambled(tmp_path)) == of(Path(bundled("tiny-chat"))) != ""


def test_one_token_that_is_written_otherwise_changes_it(tmp_path: Path) -> None:
    assert of(models.respelt(tmp_path)) != of(Path(bundled("tiny-chat")))


def test_padding_at_the_end_does_not_count(tmp_path: Path) -> None:
    assert of(models.padded(tmp_path, 7)) == of(Path(bundled("tiny-chat")))


def test_a_longer_vocabulary_is_another_one(tmp_path: Path) -> None:
    short, long = (write_gguf(tmp_path / f"{size}.gguf", vocabulary=size) for size in (32, 33))
    assert of(short) != of(long)


def test_without_a_vocabulary_there_is_none(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "a.gguf", vocabulary=32)
    header = gguf.read(path)
    assert fingerprint(path, gguf.Header(header.version, {}, (), 0)) == ""


@pytest.mark.parametrize(
    ("names", "padding"),
    [
        (["a", "[PAD1]", "[PAD2]"], 2),
        (["a", "[PAD2]"], 0),
        (["[PAD0]", "a"], 0),
        (["[PAD0]"], 1),
        ([], 0),
    ],
)
def test_only_tokens_named_after_their_own_id_are_padding(names: list[str], padding: int) -> None:
    packed = [struct.pack("<Q", len(name)) + name.encode() for name in names]
    assert padding_bytes(b"".join(packed), len(names)) == len(b"".join(packed[len(packed) - padding :]))
