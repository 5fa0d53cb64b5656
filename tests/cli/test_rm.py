from pathlib import Path

import pytest

from lms.catalog.folders import ModelFolders
from lms.catalog.hashes import Hashes
from lms.catalog.identity import prompt_folder
from lms.config.load import LoadConfig
from tests.catalog.files import write_gguf, write_mlx
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import QWEN, TINY, FakeDaemon
from tests.cli.fake_downloads import REPO


@pytest.fixture
def models(tmp_path: Path, daemon: FakeDaemon) -> Path:
    """A models folder with two variants of one model, and another model."""
    folder = tmp_path / "models"
    daemon.models_dir = str(folder)
    for name, file_type in (("Q4_K_M", 15), ("Q8_0", 7)):
        write_gguf(folder / "qwen" / "Qwen3-4B-GGUF" / f"Qwen3-4B-{name}.gguf", file_type=file_type)
    write_gguf(folder / "other" / "foo" / "foo.gguf")
    return folder


def left(models: Path) -> set[str]:
    return {str(path.relative_to(models)) for path in models.rglob("*") if not path.is_dir()}


FOO = "other/foo/foo.gguf"
Q4, Q8 = (f"qwen/Qwen3-4B-GGUF/Qwen3-4B-{name}.gguf" for name in ("Q4_K_M", "Q8_0"))


@pytest.mark.parametrize(
    "typed", ["qwen3-4b", "QWEN3-4B", "qwen/qwen3-4b", "qwen/Qwen3-4B-GGUF", "qwen/Qwen3-4B-GGUF/"]
)
def test_a_key_takes_all_variants_and_the_empty_folders_with_it(lms: Terminal, models: Path, typed: str) -> None:
    ended = lms.type("rm", typed, "-y")
    assert (ended.code, ended.out, left(models)) == (0, "", {FOO})
    assert not (models / "qwen").exists()


def test_with_another_machine_in_mind_nothing_is_deleted_here(lms: Terminal, models: Path) -> None:
    before = left(models)
    lms.environ["LMS_HOST"] = "box"
    ended = lms.type("rm", "qwen3-4b", "-y")
    assert (ended.code, "Unset LMS_HOST" in ended.err, left(models)) == (2, True, before)


@pytest.mark.parametrize("typed", ["qwen3-4b@q4_k_m", "qwen/qwen3-4b@Q4_K_M", Q4, Q4.lower()])
def test_a_variant_or_a_file_goes_alone(lms: Terminal, models: Path, typed: str) -> None:
    assert lms.type("rm", typed, "-y").code == 0
    assert left(models) == {FOO, Q8}


def test_a_part_of_a_key_is_not_enough_to_delete(lms: Terminal, models: Path) -> None:
    ended = lms.type("rm", "qwen", "-y")
    assert (ended.code, len(left(models))) == (1, 3)
    assert "No model matches “qwen”" in ended.err


def test_a_person_is_asked_first(lms: Terminal, models: Path) -> None:
    lms.is_tty, lms.keys = True, "no\n"
    ended = lms.type("rm", "foo")
    assert (ended.code, len(left(models))) == (1, 3)
    assert "Delete foo (" in ended.err
    lms.keys = "what\ny\n"
    assert (lms.type("rm", "foo").code, len(left(models))) == (0, 2)


def test_without_anybody_to_ask_nothing_is_deleted(lms: Terminal, models: Path) -> None:
    ended = lms.type("rm", "foo")
    assert (ended.code, len(left(models))) == (2, 3)
    assert "-y deletes without asking" in ended.err


def test_the_end_of_the_input_is_no_yes(lms: Terminal, models: Path) -> None:
    lms.is_tty = True
    assert (lms.type("rm", "foo").code, len(left(models))) == (1, 3)


def test_a_dry_run_deletes_nothing_and_lists_what_would_go(lms: Terminal, models: Path) -> None:
    ended = lms.type("rm", "foo", "--dry-run", "--json")
    assert ended.json == {
        "models": ["foo"],
        "files": [str(models / FOO)],
        "promptCaches": [],
        "sizeBytes": (models / FOO).stat().st_size,
        "deleted": False,
    }
    assert len(left(models)) == 3


def test_what_is_loaded_is_refused(lms: Terminal, models: Path, daemon: FakeDaemon) -> None:
    from msgspec.structs import replace

    daemon.rows = [replace(QWEN, path=Q4)]
    lms.type("load", "qwen3-4b", "--identifier", "helper")
    ended = lms.type("rm", "qwen3-4b", "-y")
    assert (ended.code, len(left(models))) == (1, 3)
    assert "lms unload helper" in ended.err
    assert lms.type("rm", "qwen3-4b@q8_0", "-y").code == 0


def test_what_guesses_for_a_loaded_model_is_refused(lms: Terminal, models: Path, daemon: FakeDaemon) -> None:
    from msgspec.structs import replace

    lms.type("load", "tiny-chat")
    daemon.loaded = [replace(daemon.loaded[0], config=LoadConfig(draft_model="foo"))]
    ended = lms.type("rm", "foo", "-y", "--json")
    assert (ended.code, ended.out, len(left(models))) == (1, "", 3)
    assert '"code":"model_in_use"' in ended.err


def test_without_a_daemon_nothing_is_loaded_and_none_is_started(
    lms: Terminal, models: Path, daemon: FakeDaemon
) -> None:
    daemon.on = False
    lms.environ["LMS_MODELS_DIR"] = str(models)
    assert (lms.type("rm", "foo", "-y").code, lms.started) == (0, 0)
    assert left(models) == {Q4, Q8}


def test_a_bundled_model_is_not_for_deleting(lms: Terminal, models: Path) -> None:
    ended = lms.type("rm", TINY.key, "-y")
    assert ended.code == 1
    assert "part of lms" in ended.err


def test_another_programs_model_is_not_for_deleting(lms: Terminal, models: Path, tmp_path: Path) -> None:
    theirs = write_gguf(tmp_path / "theirs" / "pub" / "bar" / "bar.gguf")
    ModelFolders(lms.home.model_folders).add(tmp_path / "theirs")
    ended = lms.type("rm", "bar", "-y")
    assert (ended.code, theirs.exists()) == (1, True)
    assert "belongs to another program" in ended.err


def test_a_link_is_deleted_and_not_what_it_leads_to(lms: Terminal, models: Path, tmp_path: Path) -> None:
    elsewhere = write_gguf(tmp_path / "elsewhere.gguf")
    link = models / "pub" / "bar" / "bar.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    assert lms.type("rm", "bar", "-y").code == 0
    assert (link.parent.parent.exists(), elsewhere.exists()) == (False, True)


def test_a_linked_folder_is_not_followed(lms: Terminal, models: Path, tmp_path: Path) -> None:
    elsewhere = write_gguf(tmp_path / "elsewhere" / "bar" / "bar.gguf")
    (models / "pub").symlink_to(tmp_path / "elsewhere")
    ended = lms.type("rm", "bar", "-y")
    assert (ended.code, elsewhere.exists()) == (1, True)
    assert "a link leads to" in ended.err


def test_a_projector_stays_for_the_other_variant(lms: Terminal, models: Path) -> None:
    projector = write_gguf(models / "qwen" / "Qwen3-4B-GGUF" / "mmproj-F16.gguf", "clip")
    lms.type("rm", "qwen3-4b@q8_0", "-y")
    assert projector.exists()
    lms.type("rm", "qwen3-4b", "-y")
    assert left(models) == {FOO}


def test_an_mlx_model_goes_with_its_licence_and_notes(lms: Terminal, models: Path) -> None:
    folder = write_mlx(models / "community" / "bar-4bit")
    (folder / "README.md").touch()
    assert lms.type("rm", "bar", "-y").code == 0
    assert not folder.parent.exists()


def test_other_files_of_the_user_stay(lms: Terminal, models: Path) -> None:
    (models / "other" / "foo" / "notes.txt").touch()
    assert lms.type("rm", "foo", "-y").code == 0
    assert left(models) == {Q4, Q8, "other/foo/notes.txt"}


def test_what_a_copy_left_that_was_cut_off_goes_with_the_model(lms: Terminal, models: Path) -> None:
    (models / "other" / "foo" / ".foo.gguf.part").touch()
    assert lms.type("rm", "foo", "-y").code == 0
    assert not (models / "other").exists()


def test_a_damaged_model_can_be_removed(lms: Terminal, models: Path) -> None:
    (models / FOO).write_bytes(b"GGUF")
    assert lms.type("rm", "foo", "-y").code == 0
    assert left(models) == {Q4, Q8}


def test_a_deleted_models_hash_is_forgotten(lms: Terminal, models: Path) -> None:
    hashes = Hashes(lms.home.model_hashes)
    hashes.record({models / FOO: "0" * 64, models / Q4: "1" * 64})
    lms.type("rm", "foo", "-y")
    assert dict(hashes.all()) == {str(models / Q4): "1" * 64}


def test_an_unknown_model_is_a_failure(lms: Terminal, models: Path) -> None:
    assert lms.type("rm", "nobody", "-y").code == 1


@pytest.fixture
def begun(lms: Terminal, models: Path, daemon: FakeDaemon) -> FakeDaemon:
    """A daemon with a download that failed, and the same one begun anew and paused."""
    daemon.begun = [daemon.unfinished("paused", 2, 2), daemon.unfinished("failed", 1, 1)]
    lms.home.downloads.mkdir()
    (lms.home.downloads / "job_1.json").touch()
    return daemon


@pytest.mark.parametrize("typed", [f"{REPO}@q4_k_m", "Nobody/Unfinished"])
def test_a_download_that_is_not_finished_is_discarded(lms: Terminal, begun: FakeDaemon, typed: str) -> None:
    from msgspec.structs import replace

    if typed != f"{REPO}@q4_k_m":
        begun.begun = [replace(row, repo="nobody/unfinished") for row in begun.begun]
    else:
        lms.type("rm", "qwen3-4b", "-y")
    ended = lms.type("rm", typed, "-y", "--json")
    assert (ended.code, ended.json["deleted"], ended.json["sizeBytes"]) == (0, True, 1_250_000_000)
    assert begun.cancelled == ["job_2", "job_1"]


def test_a_person_is_asked_before_a_download_is_discarded(lms: Terminal, begun: FakeDaemon) -> None:
    lms.type("rm", "qwen3-4b", "-y")
    assert lms.type("rm", f"{REPO}@q4_k_m").code == 2
    lms.is_tty, lms.keys = True, "n\n"
    assert (lms.type("rm", f"{REPO}@q4_k_m").code, begun.cancelled) == (1, [])
    assert "Would discard" in lms.type("rm", f"{REPO}@q4_k_m", "--dry-run").err
    assert begun.cancelled == []


def test_a_model_goes_before_a_download_of_the_same_name(lms: Terminal, begun: FakeDaemon) -> None:
    lms.type("rm", f"{REPO}@q4_k_m", "-y")
    assert begun.cancelled == []


def test_prompts_kept_for_the_model_go_with_it_and_those_of_others_stay(lms: Terminal, models: Path) -> None:
    going, staying = (prompt_folder(lms.home.prompt_cache, models / path) for path in (Q4, Q8))
    for folder in (going, staying):
        folder.mkdir(parents=True)
        (folder / "state").write_bytes(bytes(5000))
    planned = lms.type("rm", "qwen3-4b@q4_k_m", "--dry-run", "--json").json
    assert planned["promptCaches"] == [str(going)]
    assert planned["sizeBytes"] == 5000 + (models / Q4).stat().st_size
    assert going.exists()
    ended = lms.type("rm", "qwen3-4b@q4_k_m", "-y")
    assert f"  {going}\n" in ended.err
    assert (going.exists(), staying.exists()) == (False, True)
