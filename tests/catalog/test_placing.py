import hashlib
import os
import resource
from pathlib import Path

import pytest

from lms.catalog import placing
from lms.catalog.placing import Mode, Step
from lms.errors import LmsError, ModelExists, NotEnoughDisk

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "here" / "with spaces.gguf"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder on another file system."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    folder = shared / f"lms-test-{os.getpid()}"
    folder.mkdir()
    return folder


def place(source: Path, models: Path, mode: Mode) -> tuple[Path, str | None]:
    target = models / "pub" / "repo" / source.name
    hashes = placing.perform([Step(source, target)], mode, models, hashed=True, read=lambda size_bytes: None)
    return target, hashes.get(target)


@pytest.mark.parametrize(
    ("mode", "stays"), [("move", False), ("copy", True), ("hardLink", True), ("symbolicLink", True)]
)
def test_a_file_is_in_its_place_with_its_hash(source: Path, models: Path, mode: Mode, stays: bool) -> None:
    inode = source.stat().st_ino
    target, digest = place(source, models, mode)
    assert (target.read_bytes(), digest, source.exists()) == (CONTENT, SHA256, stays)
    assert (target.stat().st_ino == inode) == (mode != "copy")
    assert target.is_symlink() == (mode == "symbolicLink")
    assert [path.name for path in target.parent.iterdir()] == [source.name]


def test_a_link_by_a_relative_path_is_absolute(source: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parent)
    target, _ = place(Path(source.name), models, "symbolicLink")
    assert os.readlink(target) == str(source)


def test_a_relative_link_that_is_moved_leads_where_it_led(source: Path, models: Path) -> None:
    link = source.with_name("link.gguf")
    link.symlink_to(source.name)
    target, _ = place(link, models, "move")
    assert (os.readlink(target), link.is_symlink(), source.exists()) == (str(source), False, True)


@pytest.mark.parametrize("mode", ["copy", "hardLink"])
def test_what_a_link_leads_to_is_copied_and_not_the_link(source: Path, models: Path, mode: Mode) -> None:
    link = source.with_name("link.gguf")
    link.symlink_to(source.name)
    target, _ = place(link, models, mode)
    assert (target.is_symlink(), target.read_bytes()) == (False, CONTENT)


def test_a_move_across_file_systems_leaves_nothing_behind(source: Path, elsewhere: Path) -> None:
    try:
        target, digest = place(source, elsewhere, "move")
        assert (target.read_bytes(), digest, source.exists()) == (CONTENT, SHA256, False)
    finally:
        for path in sorted(elsewhere.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        elsewhere.rmdir()


@pytest.mark.parametrize("mode", ["move", "copy", "hardLink", "symbolicLink"])
def test_what_was_done_is_undone_when_the_second_file_fails(source: Path, models: Path, mode: Mode) -> None:
    steps = [Step(source, models / "a" / "b" / "one"), Step(source.with_name("gone"), models / "a" / "b" / "two")]
    with pytest.raises(LmsError, match="No such file"):
        placing.perform(steps, mode, models, hashed=True, read=lambda size_bytes: None)
    assert (source.read_bytes(), list(models.iterdir())) == (CONTENT, [])


def test_ctrl_c_in_the_middle_of_a_copy_leaves_nothing(source: Path, models: Path) -> None:
    def interrupt(size_bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        placing.perform([Step(source, models / "a" / "b" / "c")], "copy", models, hashed=True, read=interrupt)
    assert list(models.iterdir()) == []


@pytest.mark.parametrize("mode", ["move", "copy", "hardLink", "symbolicLink"])
def test_what_a_copy_left_that_was_killed_is_cleared_away(source: Path, models: Path, mode: Mode) -> None:
    left = models / "pub" / "repo" / f".{source.name}.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of it")
    target, _ = place(source, models, mode)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("mode", ["copy", "symbolicLink"])
def test_what_another_import_is_copying_is_left_alone(source: Path, models: Path, mode: Mode) -> None:
    def second(size_bytes: int) -> None:
        with pytest.raises(LmsError, match="Another lms import"):
            place(source, models, mode)

    steps = [Step(source, models / "pub" / "repo" / source.name)]
    placing.perform(steps, "copy", models, hashed=True, read=second)
    assert [path.read_bytes() for path in (models / "pub" / "repo").iterdir()] == [CONTENT]


@pytest.mark.parametrize("mode", ["move", "copy", "hardLink", "symbolicLink"])
def test_what_comes_to_the_place_meanwhile_is_not_overwritten(source: Path, models: Path, mode: Mode) -> None:
    target = models / "pub" / "repo" / source.name

    def arrive(size_bytes: int) -> None:
        target.write_bytes(b"another's")

    with pytest.raises(ModelExists):
        placing.perform([Step(source, target)], mode, models, hashed=True, read=arrive)
    assert (source.read_bytes(), target.read_bytes()) == (CONTENT, b"another's")


def test_what_is_there_is_not_overwritten_be_it_a_link_to_nowhere(source: Path, models: Path) -> None:
    models.mkdir()
    (models / "there").symlink_to("nowhere")
    with pytest.raises(ModelExists, match="there"):
        placing.require_free([Step(source, models / "there")])


def test_a_disk_that_fills_up_on_the_way_leaves_nothing(source: Path, models: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, before[1]))
    try:
        with pytest.raises(NotEnoughDisk, match="is full"):
            place(source, models, "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (source.read_bytes(), list(models.iterdir())) == (CONTENT, [])


def test_what_cannot_be_taken_away_is_not_moved(source: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [Step(source, models / "a")]
    placing.require_movable(steps)
    monkeypatch.setattr("os.access", lambda folder, mode: folder != source.parent)
    with pytest.raises(LmsError, match="may not write there"):
        placing.require_movable(steps)


def test_room_is_needed_for_copies_only(source: Path, models: Path) -> None:
    with source.open("wb") as file:
        file.truncate(1 << 43)
    steps = [Step(source, models / "a")]
    with pytest.raises(NotEnoughDisk, match=r"GB free, and 8\.80 TB would be copied"):
        placing.require_room(steps, "copy", models)
    for mode in ("move", "hardLink", "symbolicLink"):
        placing.require_room(steps, mode, models)
