from pathlib import Path

import pytest

from lms.catalog import arrivals
from lms.errors import ModelDamaged, ModelNotFound, UsageError

from .files import write_gguf, write_mlx, write_shard


def names(found: arrivals.Arrival) -> list[str]:
    return [name for _, name in found.files]


def test_a_file_is_called_by_its_name_without_quantization(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "a folder" / "Qwen3 4B-Q4_K_M.gguf")
    found = arrivals.find(path)
    assert (found.files, found.models) == (((path, path.name),), (path.name,))
    assert (found.publisher, found.repo) == (None, "Qwen3 4B")


def test_any_shard_stands_for_all(tmp_path: Path) -> None:
    write_gguf(tmp_path / "big-00001-of-00002.gguf")
    second = write_shard(tmp_path / "big-00002-of-00002.gguf", 1, 2, {"a": (4, 4)})
    write_gguf(tmp_path / "other.gguf")
    found = arrivals.find(second)
    assert names(found) == ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]
    assert (found.models, found.repo) == (("big-00001-of-00002.gguf",), "big")


def test_a_missing_shard_is_said(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "big-00001-of-00002.gguf")
    with pytest.raises(ModelDamaged, match="big-00002-of-00002"):
        arrivals.find(path)


def test_a_projector_comes_with_the_only_model_beside_it(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "gemma-Q4_K_M.gguf")
    write_gguf(tmp_path / "gemma-Q8_0.gguf", file_type=7)
    write_gguf(tmp_path / "mmproj-F16.gguf", "clip")
    assert names(arrivals.find(path)) == ["gemma-Q4_K_M.gguf", "mmproj-F16.gguf"]


def test_a_projector_among_several_models_stays_and_is_named(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "gemma.gguf")
    write_gguf(tmp_path / "llava.gguf")
    projector = write_gguf(tmp_path / "mmproj-F16.gguf", "clip")
    found = arrivals.find(path)
    assert (names(found), found.projectors) == (["gemma.gguf"], (projector,))


def test_a_projector_comes_alone_when_it_is_asked_for(tmp_path: Path) -> None:
    write_gguf(tmp_path / "gemma.gguf")
    write_gguf(tmp_path / "mmproj-BF16.gguf", "clip")
    found = arrivals.find(write_gguf(tmp_path / "mmproj-F16.gguf", "clip"))
    assert (names(found), found.models, found.projectors) == (["mmproj-F16.gguf"], (), ())


@pytest.mark.parametrize("beside", ["foo.gguf", "mmproj-F16.gguf"])
def test_an_adapter_is_no_model_whatever_lies_beside_it(tmp_path: Path, beside: str) -> None:
    write_gguf(tmp_path / beside, "clip" if "mmproj" in beside else "llama")
    adapter = write_gguf(tmp_path / "lora.gguf", texts={"general.type": "adapter"})
    with pytest.raises(ModelNotFound, match=r"lora\.gguf is no model"):
        arrivals.find(adapter)


def test_a_folder_with_a_projector_only_holds_no_model(tmp_path: Path) -> None:
    write_gguf(tmp_path / "mmproj-F16.gguf", "clip")
    with pytest.raises(ModelNotFound):
        arrivals.find(tmp_path)


def test_a_folder_brings_all_its_models_and_projectors(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m" / "Q4_K_M" / "gemma-Q4_K_M.gguf")
    write_gguf(tmp_path / "m" / "gemma-Q8_0.gguf", file_type=7)
    write_gguf(tmp_path / "m" / "mmproj-F16.gguf", "clip")
    (tmp_path / "m" / "notes.txt").touch()
    found = arrivals.find(tmp_path / "m")
    assert sorted(names(found)) == ["Q4_K_M/gemma-Q4_K_M.gguf", "gemma-Q8_0.gguf", "mmproj-F16.gguf"]


def test_an_mlx_folder_comes_whole(tmp_path: Path) -> None:
    folder = write_mlx(tmp_path / "Qwen3-4B-4bit")
    (folder / "LICENSE").touch()
    found = arrivals.find(folder)
    assert sorted(names(found)) == ["LICENSE", "config.json", "model.safetensors"]
    assert (found.models, found.repo) == (("",), "Qwen3-4B-4bit")


def test_a_snapshot_of_the_hubs_cache_tells_publisher_and_repo(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "models--qwen--Qwen3-4B-GGUF" / "snapshots" / "abc" / "Qwen3-4B-Q4_K_M.gguf")
    found = arrivals.find(path)
    assert (found.publisher, found.repo) == ("qwen", "Qwen3-4B-GGUF")


def test_what_is_no_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(ModelDamaged, match="web page"):
        arrivals.find(page)
    with pytest.raises(ModelDamaged, match="web page"):
        arrivals.find(tmp_path)


def test_one_damaged_model_keeps_a_whole_folder_back(tmp_path: Path) -> None:
    write_gguf(tmp_path / "good.gguf")
    cut = write_gguf(tmp_path / "cut.gguf")
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(ModelDamaged, match="cut off"):
        arrivals.find(tmp_path)


def test_other_names_and_nothing_at_all_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    with pytest.raises(UsageError, match=r"model\.bin is not called"):
        arrivals.find(tmp_path / "model.bin")
    with pytest.raises(UsageError, match="does not exist"):
        arrivals.find(tmp_path / "nothing.gguf")
    (tmp_path / "lost.gguf").symlink_to("nowhere")
    with pytest.raises(UsageError, match="link to nowhere"):
        arrivals.find(tmp_path / "lost.gguf")


def test_a_folder_of_repos_is_no_repo(tmp_path: Path) -> None:
    write_gguf(tmp_path / "pub" / "repo" / "foo.gguf")
    with pytest.raises(ModelNotFound) as caught:
        arrivals.find(tmp_path)
    assert "--in-place" in (caught.value.hint or "")


def test_a_file_that_is_being_written_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "foo.gguf.aria2").touch()
    with pytest.raises(ModelNotFound):
        arrivals.find(write_gguf(tmp_path / "foo.gguf"))


@pytest.mark.parametrize(
    "typed", ["", "a", "a/", "/b", "a/b/c", "../b", ".a/b", "a/b.", "a/b?", "a/models--b", "a\x00/b"]
)
def test_what_cannot_be_two_folders_is_no_home(typed: str) -> None:
    with pytest.raises(UsageError, match="no publisher/repo"):
        arrivals.home(typed)


def test_a_home_may_have_spaces_inside() -> None:
    assert arrivals.home("me/my model") == ("me", "my model")


def test_a_folder_of_different_models_is_called_by_its_own_name_and_no_file_stands_for_it(tmp_path: Path) -> None:
    write_gguf(tmp_path / "mixed" / "gemma.gguf")
    write_gguf(tmp_path / "mixed" / "llava.gguf")
    found = arrivals.find(tmp_path / "mixed")
    assert (found.repo, found.weights) == ("mixed", None)


def test_the_largest_shard_stands_for_a_model(tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "big-00001-of-00002.gguf")
    second = write_shard(tmp_path / "big-00002-of-00002.gguf", 1, 2, {"a": (400, 40)})
    assert arrivals.find(first).weights == second
    assert arrivals.find(write_mlx(tmp_path / "mlx")).weights == tmp_path / "mlx" / "model.safetensors"
