"""Models that are used where another program has put them."""

import shutil
from pathlib import Path

import pytest

from lms.catalog.catalog import Catalog
from lms.catalog.folders import ModelFolders

from .files import write_gguf


def in_cache(
    hub: Path,
    commit: str,
    repo: str = "qwen--Qwen3-4B-GGUF",
    name: str = "Qwen3-4B-Q4_K_M.gguf",
    file_type: int = 15,
) -> Path:
    """A file as huggingface_hub keeps it: a link among the commit's to a blob."""
    folder = hub / f"models--{repo}"
    blob = write_gguf(folder / "blobs" / f"{len([*folder.glob('blobs/*')]):064x}", file_type=file_type)
    link = folder / "snapshots" / commit / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(Path("..", "..", "blobs", blob.name))
    return link


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return tmp_path / "hub"


def catalog(tmp_path: Path, *folders: Path) -> Catalog:
    return Catalog(tmp_path / "models", None, tmp_path / "cache.json", lambda: folders)


def keys(found: Catalog) -> list[str]:
    return [model.key for model in found.listing(max_age_s=0).models]


def test_the_cache_of_the_hub_is_listed_by_publisher_and_repo(tmp_path: Path, hub: Path) -> None:
    link = in_cache(hub, "abc")
    (model,) = catalog(tmp_path, hub).models()
    assert (model.key, model.publisher, model.path, model.in_place) == ("qwen3-4b", "qwen", link, True)
    assert model.relative_path == "qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf"


def test_of_a_file_in_two_commits_the_main_branchs_is_listed(tmp_path: Path, hub: Path) -> None:
    in_cache(hub, "aaa")
    newer = in_cache(hub, "bbb")
    refs = hub / "models--qwen--Qwen3-4B-GGUF" / "refs"
    refs.mkdir()
    (refs / "main").write_text("bbb")
    (model,) = catalog(tmp_path, hub).models()
    assert (model.path, model.variants) == (newer, ())


def test_files_of_older_commits_are_listed_beside_newer_ones(tmp_path: Path, hub: Path) -> None:
    in_cache(hub, "aaa", name="Qwen3-4B-Q8_0.gguf", file_type=7)
    in_cache(hub, "bbb")
    (model,) = catalog(tmp_path, hub).models()
    assert model.variants == ("qwen3-4b@q4_k_m", "qwen3-4b@q8_0")


def test_data_sets_in_the_cache_are_not_listed(tmp_path: Path, hub: Path) -> None:
    write_gguf(hub / "datasets--a--b" / "snapshots" / "model.gguf")
    assert keys(catalog(tmp_path, hub)) == []


def test_a_repo_without_a_publisher_has_a_name_too(tmp_path: Path, hub: Path) -> None:
    in_cache(hub, "abc", repo="gpt2", name="gpt2.gguf")
    assert [model.publisher for model in catalog(tmp_path, hub).models()] == ["huggingface"]


def test_another_programs_models_folder_is_listed_beside_ours(tmp_path: Path) -> None:
    write_gguf(tmp_path / "models" / "pub" / "ours" / "ours.gguf")
    write_gguf(tmp_path / "theirs" / "pub" / "theirs" / "theirs.gguf")
    found = catalog(tmp_path, tmp_path / "theirs").models()
    assert {model.key: model.in_place for model in found} == {"ours": False, "theirs": True}


def test_a_folder_that_is_away_for_a_while_keeps_its_keys(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    write_gguf(disk / "zed" / "foo" / "foo.gguf")
    assert keys(catalog(tmp_path, disk)) == ["foo"]
    shutil.move(disk, tmp_path / "unmounted")
    disk.mkdir()
    write_gguf(tmp_path / "models" / "abc" / "foo" / "foo.gguf")
    assert keys(catalog(tmp_path, disk)) == ["abc/foo"]
    disk.rmdir()
    shutil.move(tmp_path / "unmounted", disk)
    back = catalog(tmp_path, disk)
    assert (keys(back), back.resolve("foo").in_place) == (["abc/foo", "foo"], True)


def test_a_folder_counts_from_the_next_look_on(tmp_path: Path) -> None:
    folders = ModelFolders(tmp_path / "folders.json")
    write_gguf(tmp_path / "theirs" / "pub" / "foo" / "foo.gguf")
    found = Catalog(tmp_path / "models", None, None, folders.there)
    assert keys(found) == []
    folders.add(tmp_path / "theirs")
    assert keys(found) == ["foo"]
    folders.remove(tmp_path / "theirs")
    assert keys(found) == []
