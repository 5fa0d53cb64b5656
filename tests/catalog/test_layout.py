import os
from pathlib import Path

from lms.catalog import layout
from lms.catalog.layout import Candidate, Folder, Found
from lms.catalog.model import Format


def found(*names: str) -> list[Candidate]:
    files = tuple(Found(name, 1, 1) for name in names)
    return list(layout.candidates(Folder("/models/pub/repo", ("pub", "repo"), files)))


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def walked(root: Path) -> list[str]:
    return ["/".join((*folder.parts, file.name)) for folder in layout.walk(root) for file in folder.files]


def test_each_gguf_file_is_a_model() -> None:
    assert [candidate.relative_path for candidate in found("a.gguf", "B.GGUF", "notes.txt")] == [
        "pub/repo/a.gguf",
        "pub/repo/B.GGUF",
    ]


def test_shards_are_one_model() -> None:
    (candidate,) = found("a-00002-of-00002.gguf", "a-00001-of-00002.gguf")
    assert candidate.path == "/models/pub/repo/a-00001-of-00002.gguf"
    assert (candidate.name, len(candidate.files), candidate.missing) == ("a", 2, ())


def test_missing_shards_are_named() -> None:
    (candidate,) = found("a-00002-of-00003.gguf")
    assert candidate.missing == ("a-00001-of-00003.gguf", "a-00003-of-00003.gguf")


def test_half_written_files_are_no_models() -> None:
    assert found("a.gguf.part", "b.gguf.incomplete", "c.gguf.tmp", "d.gguf", "d.gguf.aria2") == []


def test_shards_of_which_one_is_being_written_are_not_listed() -> None:
    assert found("a-00001-of-00002.gguf", "a-00002-of-00002.gguf.part") == []


def test_a_whole_file_stays_listed_while_its_update_is_written() -> None:
    assert [candidate.name for candidate in found("a.gguf", "a.gguf.part")] == ["a"]


def test_an_mlx_folder_needs_a_configuration_and_weights() -> None:
    (candidate,) = found("config.json", "model.safetensors", "README.md", "tokenizer_config.json")
    assert (candidate.format, candidate.path, candidate.relative_path) == (Format.MLX, "/models/pub/repo", "pub/repo")
    assert [file.name for file in candidate.files] == ["config.json", "model.safetensors", "tokenizer_config.json"]
    assert found("config.json") == []
    assert found("model.safetensors") == []


def test_an_mlx_folder_that_is_being_written_is_not_listed() -> None:
    assert found("config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors.part") == []


def test_only_publisher_and_repo_folders_are_walked(tmp_path: Path) -> None:
    for name in ("top.gguf", "pub/high.gguf", "pub/repo/right.gguf", "pub/repo/sub/below.gguf", "a/b/c/d/e/deep.gguf"):
        touch(tmp_path / name)
    assert walked(tmp_path) == ["pub/repo/right.gguf", "pub/repo/sub/below.gguf"]


def test_hidden_and_unprintable_names_are_passed_over(tmp_path: Path) -> None:
    for name in ("pub/.cache/a.gguf", "pub/repo/.a.gguf", "pub/repo/\x1b[31m.gguf", ".pub/repo/a.gguf"):
        touch(tmp_path / name)
    Path(os.fsdecode(os.fsencode(tmp_path / "pub/repo") + b"/\xff.gguf")).touch()
    assert walked(tmp_path) == []


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    elsewhere = touch(tmp_path / "elsewhere" / "a.gguf")
    (tmp_path / "models" / "pub" / "repo").mkdir(parents=True)
    (tmp_path / "models" / "pub" / "linked").symlink_to(elsewhere.parent)
    (tmp_path / "models" / "pub" / "repo" / "b.gguf").symlink_to(elsewhere)
    (tmp_path / "models" / "pub" / "repo" / "dangling.gguf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "models" / "pub" / "repo" / "circle").symlink_to(tmp_path / "models" / "pub" / "repo")
    names = walked(tmp_path / "models")
    assert {"pub/linked/a.gguf", "pub/repo/b.gguf", "pub/repo/dangling.gguf"} <= set(names)
    assert len(names) < 20


def test_a_pipe_named_like_a_model_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pub" / "repo").mkdir(parents=True)
    os.mkfifo(tmp_path / "pub" / "repo" / "a.gguf")
    assert walked(tmp_path) == []


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert walked(tmp_path / "none") == []


def test_a_link_that_leads_back_shows_no_model_twice(tmp_path: Path) -> None:
    repo = tmp_path / "models" / "pub" / "repo"
    repo.mkdir(parents=True)
    (repo / "a.gguf").touch()
    (tmp_path / "models" / "pub" / "loop").symlink_to("..")
    (tmp_path / "models" / "again").symlink_to(tmp_path / "models" / "pub")
    assert walked(tmp_path / "models") == ["pub/repo/a.gguf"]
