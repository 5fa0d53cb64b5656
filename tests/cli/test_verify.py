import hashlib
from pathlib import Path

import pytest

from lms.catalog.hashes import Hashes
from tests.catalog.files import write_gguf, write_mlx
from tests.cli.conftest import Ended, Terminal
from tests.cli.fake_daemon import FakeDaemon


@pytest.fixture
def model(tmp_path: Path, daemon: FakeDaemon) -> Path:
    daemon.models_dir = str(tmp_path / "models")
    return write_gguf(tmp_path / "models" / "pub" / "foo" / "foo.gguf")


@pytest.fixture
def hashes(lms: Terminal) -> Hashes:
    return Hashes(lms.home.model_hashes)


def record(hashes: Hashes, path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    hashes.record({path: digest})
    return digest


def status(ended: Ended, key: str = "foo") -> str:
    return str(next(each["status"] for each in ended.json if each["modelKey"] == key))


def flip_last_bit(path: Path) -> None:
    """Damage that neither size nor header tells."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_model_with_its_recorded_hash_is_sound(lms: Terminal, model: Path, hashes: Hashes) -> None:
    digest = record(hashes, model)
    ended = lms.type("verify", "foo", "--json")
    assert (ended.code, ended.err) == (0, "")
    file = {"path": str(model), "status": "sound", "sha256": digest, "recorded": digest}
    assert ended.json == [{"modelKey": "foo", "status": "sound", "files": [file]}]


def test_one_bit_that_changed_is_found_and_fails(lms: Terminal, model: Path, hashes: Hashes) -> None:
    record(hashes, model)
    flip_last_bit(model)
    ended = lms.type("verify", "foo")
    assert ended.code == 1
    assert "foo.gguf is not what it was when it came" in ended.out
    assert "1 model not as it should be" in ended.err
    assert status(lms.type("verify", "--json")) == "changed"


def test_a_file_cut_off_is_damaged_also_without_a_hash(lms: Terminal, model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-8])
    ended = lms.type("verify", "foo", "--json")
    assert (ended.code, status(ended)) == (1, "damaged")
    assert "cut off" in ended.json[0]["reason"]


def test_headers_are_read_anew_whatever_the_catalog_remembers(lms: Terminal, model: Path) -> None:
    import os

    lms.type("verify", "foo")
    before = model.stat()
    model.write_bytes(bytes(before.st_size))
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert status(lms.type("verify", "foo", "--json")) == "damaged"


def test_a_model_without_a_recorded_hash_says_so_and_is_no_failure(lms: Terminal, model: Path) -> None:
    ended = lms.type("verify", "foo", "--json")
    assert (ended.code, status(ended)) == (0, "unrecorded")
    assert "sha256" not in ended.json[0]["files"][0]


def test_record_gives_it_one_to_be_compared_with(lms: Terminal, model: Path) -> None:
    assert "lms verify --record writes down" in lms.type("verify", "foo").err
    recorded = lms.type("verify", "foo", "--record")
    assert "what 1 file should be" in recorded.err
    assert recorded.out.split() == ["MODEL", "STATUS", "foo", "sound"]
    assert status(lms.type("verify", "foo", "--json")) == "sound"
    flip_last_bit(model)
    assert lms.type("verify", "foo", "--record").code == 1
    assert status(lms.type("verify", "foo", "--json")) == "changed"


def test_what_was_imported_can_be_verified(lms: Terminal, model: Path, tmp_path: Path) -> None:
    lms.type("import", str(write_gguf(tmp_path / "bar.gguf")), "--user-repo", "me/bar")
    assert status(lms.type("verify", "bar", "--json"), "bar") == "sound"


def test_everything_is_verified_without_a_name_bundled_models_too(lms: Terminal, model: Path) -> None:
    write_mlx(model.parents[2] / "community" / "bar-4bit")
    ended = lms.type("verify", "--json")
    found = {each["modelKey"]: each["status"] for each in ended.json}
    assert found == dict.fromkeys(("bar", "foo", "text-embedding-tiny", "tiny-chat"), "unrecorded")


def test_an_unknown_model_is_a_failure(lms: Terminal, model: Path) -> None:
    assert lms.type("verify", "nobody").code == 1
