import hashlib
from pathlib import Path

import pytest

from lms.catalog.hashes import CHUNK_BYTES, Hashes, sha256
from lms.errors import LmsError


@pytest.fixture
def hashes(tmp_path: Path) -> Hashes:
    return Hashes(tmp_path / "hashes.json")


def test_what_was_recorded_is_known_until_it_is_forgotten(hashes: Hashes, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    hashes.record({one: "1" * 64})
    hashes.record({other: "2" * 64})
    hashes.forget([one])
    again = Hashes(tmp_path / "hashes.json")
    assert (again.recorded(one), again.recorded(other)) == (None, "2" * 64)


def test_a_blob_of_the_hubs_cache_is_called_by_its_hash(hashes: Hashes, tmp_path: Path) -> None:
    blob = tmp_path / "blobs" / ("a" * 64)
    blob.parent.mkdir()
    blob.touch()
    (tmp_path / "model.gguf").symlink_to(blob)
    assert hashes.recorded(tmp_path / "model.gguf") == "a" * 64


def test_a_broken_list_is_said(hashes: Hashes, tmp_path: Path) -> None:
    (tmp_path / "hashes.json").write_text("[]")
    with pytest.raises(LmsError, match="cannot be read"):
        hashes.recorded(tmp_path)


def test_a_files_hash_is_taken_in_pieces_and_progress_told(tmp_path: Path) -> None:
    content = bytes(range(256)) * (CHUNK_BYTES // 256) + b"rest"
    (tmp_path / "file").write_bytes(content)
    told: list[int] = []
    assert sha256(tmp_path / "file", told.append) == hashlib.sha256(content).hexdigest()
    assert (sum(told), len(told)) == (len(content), 2)
