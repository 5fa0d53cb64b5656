import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.catalog.folders import ModelFolders
from lms.catalog.hashes import Hashes
from tests.catalog.files import write_gguf, write_mlx, write_shard
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon
from tests.hub.process import HubProcess


@pytest.fixture
def models(tmp_path: Path, lms: Terminal, daemon: FakeDaemon) -> Path:
    """The models folder, on a machine that reaches no hub."""
    lms.environ["HF_ENDPOINT"] = "http://127.0.0.1:1"
    daemon.models_dir = str(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def hub(tmp_path: Path, lms: Terminal, models: Path) -> Iterator[HubProcess]:
    """A hub that the machine reaches after all."""
    hub = HubProcess(tmp_path / "hub")
    lms.environ["HF_ENDPOINT"] = hub.address
    yield hub
    hub.close()


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "down loads" / "Qwen3 4B-Q4_K_M.gguf")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_is_moved_where_user_repo_says_and_its_hash_kept(lms: Terminal, models: Path, downloaded: Path) -> None:
    digest = sha256(downloaded)
    ended = lms.type("import", str(downloaded), "--user-repo", "qwen/Qwen3-4B-GGUF")
    target = models / "qwen" / "Qwen3-4B-GGUF" / downloaded.name
    assert (ended.code, ended.out, downloaded.exists()) == (0, "", False)
    assert "Imported as qwen3-4b." in ended.err
    assert Hashes(lms.home.model_hashes).recorded(target) == digest == sha256(target)


def test_json_tells_every_file_and_the_key(lms: Terminal, models: Path, downloaded: Path) -> None:
    ended = lms.type("import", str(downloaded), "--user-repo", "qwen/Qwen3-4B-GGUF", "--copy", "--json")
    target = models / "qwen" / "Qwen3-4B-GGUF" / downloaded.name
    assert ended.json == {
        "mode": "copy",
        "dryRun": False,
        "files": [{"from": str(downloaded), "to": str(target), "sha256": sha256(downloaded)}],
        "models": ["qwen3-4b"],
    }


def test_yes_names_it_by_user_and_file_and_asks_nothing(lms: Terminal, models: Path, downloaded: Path) -> None:
    lms.environ["USER"], lms.is_tty = "somebody", True
    assert lms.type("import", str(downloaded), "-y").code == 0
    assert (models / "somebody" / "Qwen3 4B" / downloaded.name).exists()


def test_yes_names_it_as_the_hub_does_if_somebody_has_that_file(
    lms: Terminal, models: Path, downloaded: Path, hub: HubProcess
) -> None:
    hub.add("bartowski/Qwen3-4B-GGUF", {downloaded.name: downloaded.read_bytes()})
    hub.add("liked-by-all/Qwen3-4B-GGUF", {downloaded.name: downloaded.read_bytes() + b"."})
    ended = lms.type("import", str(downloaded), "-y", "--json")
    assert ended.json["files"][0]["to"] == str(models / "bartowski" / "Qwen3-4B-GGUF" / downloaded.name)
    assert "It comes from bartowski/Qwen3-4B-GGUF." in ended.err


def test_a_person_is_proposed_what_the_hub_says(lms: Terminal, models: Path, downloaded: Path, hub: HubProcess) -> None:
    hub.add("maker/Qwen3-4B-GGUF", {downloaded.name: downloaded.read_bytes()})
    lms.is_tty, lms.keys = True, "\n\n"
    assert "[maker/Qwen3-4B-GGUF]:" in lms.type("import", str(downloaded)).err
    assert (models / "maker" / "Qwen3-4B-GGUF" / downloaded.name).exists()


def test_a_file_that_nobody_has_is_named_by_its_name(
    lms: Terminal, models: Path, downloaded: Path, hub: HubProcess
) -> None:
    lms.environ["USER"] = "somebody"
    ended = lms.type("import", str(downloaded), "-y")
    assert "Nobody has that file there." in ended.err
    assert (models / "somebody" / "Qwen3 4B" / downloaded.name).exists()


def test_a_hub_that_cannot_be_reached_is_no_obstacle(lms: Terminal, models: Path, downloaded: Path) -> None:
    ended = lms.type("import", str(downloaded), "-y")
    assert (ended.code, downloaded.exists()) == (0, False)
    assert "The hub at http://127.0.0.1:1 cannot be reached: Connection refused." in ended.err


def test_where_it_lies_may_say_whose_it_is_and_the_hub_is_not_asked(
    lms: Terminal, models: Path, tmp_path: Path, hub: HubProcess
) -> None:
    theirs = write_gguf(tmp_path / ".lmstudio" / "models" / "pub" / "Bar-GGUF" / "bar.gguf")
    assert lms.type("import", str(theirs), "--copy", "-y").code == 0
    assert (models / "pub" / "Bar-GGUF" / "bar.gguf").exists()
    assert hub.asked() == []


def test_without_anybody_to_ask_it_says_what_to_say(lms: Terminal, models: Path, downloaded: Path) -> None:
    ended = lms.type("import", str(downloaded))
    assert (ended.code, downloaded.exists()) == (2, True)
    assert "--user-repo user/repo, or -y" in ended.err


def test_a_person_is_asked_where_to_and_whether_to_move(lms: Terminal, models: Path, downloaded: Path) -> None:
    lms.is_tty, lms.keys = True, "nonsense\nme/mine\n\n"
    ended = lms.type("import", str(downloaded))
    assert ended.code == 0
    assert "“nonsense” is no publisher/repo." in ended.err
    assert (models / "me" / "mine" / downloaded.name).exists()


def test_a_person_may_say_no(lms: Terminal, models: Path, downloaded: Path) -> None:
    lms.is_tty, lms.keys = True, "\nn\n"
    assert lms.type("import", str(downloaded)).code == 1
    assert (downloaded.exists(), models.exists()) == (True, False)


def test_the_end_of_the_input_imports_nothing(lms: Terminal, models: Path, downloaded: Path) -> None:
    lms.is_tty = True
    assert lms.type("import", str(downloaded)).code == 1
    assert (downloaded.exists(), models.exists()) == (True, False)


def test_a_dry_run_touches_nothing_not_even_the_models_folder(lms: Terminal, models: Path, downloaded: Path) -> None:
    ended = lms.type("import", str(downloaded), "-y", "--dry-run", "--json")
    assert (ended.code, ended.json["dryRun"], ended.json["models"]) == (0, True, [])
    assert (downloaded.exists(), models.exists()) == (True, False)


def test_a_relative_path_gives_a_link_that_leads_there(
    lms: Terminal, models: Path, downloaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(downloaded.parent)
    assert lms.type("import", downloaded.name, "-l", "--user-repo", "me/mine").code == 0
    assert os.readlink(models / "me" / "mine" / downloaded.name) == str(downloaded)


def test_shards_and_projector_come_together(lms: Terminal, models: Path, tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "in" / "big-00001-of-00002.gguf")
    write_shard(tmp_path / "in" / "big-00002-of-00002.gguf", 1, 2, {"a": (4, 4)})
    write_gguf(tmp_path / "in" / "mmproj-F16.gguf", "clip")
    assert lms.type("import", str(first), "-L", "--user-repo", "me/big").code == 0
    assert len(list((models / "me" / "big").iterdir())) == 3
    assert lms.type("rm", "big", "-y").code == 0
    assert not (models / "me").exists()


def test_a_moved_folder_is_gone_when_nothing_is_left_in_it(lms: Terminal, models: Path, tmp_path: Path) -> None:
    folder = write_mlx(tmp_path / "Qwen3-4B-4bit")
    ended = lms.type("import", str(folder), "--user-repo", "community/Qwen3-4B-4bit", "--json")
    assert (ended.json["models"], folder.exists()) == (["qwen3-4b"], False)


def test_a_model_moved_inside_the_models_folder_leaves_nothing_behind(lms: Terminal, models: Path) -> None:
    before = write_gguf(models / "old" / "mine" / "foo.gguf")
    lms.type("verify", "--record")
    assert lms.type("import", str(before), "--user-repo", "me/mine").code == 0
    assert [path.name for path in models.iterdir()] == ["me"]
    recorded = {path for path in Hashes(lms.home.model_hashes).all() if path.startswith(str(models))}
    assert recorded == {str(models / "me" / "mine" / "foo.gguf")}


def test_a_repo_in_the_hubs_cache_is_a_folder_like_any_other(lms: Terminal, models: Path, tmp_path: Path) -> None:
    repo = tmp_path / "hub" / "models--maker--Tiny-GGUF"
    for commit in ("abc", "main-is-here"):
        write_gguf(repo / "snapshots" / commit / "tiny.gguf", name=commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("main-is-here")
    ended = lms.type("import", str(repo), "--copy", "-y", "--json")
    assert ended.json["files"][0]["from"] == str(repo / "snapshots" / "main-is-here" / "tiny.gguf")
    assert (models / "maker" / "Tiny-GGUF" / "tiny.gguf").exists()


def test_what_is_no_model_is_refused_untouched(lms: Terminal, models: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_bytes(b"<!DOCTYPE html>")
    ended = lms.type("import", str(page), "-y")
    assert (ended.code, page.exists(), models.exists()) == (1, True, False)
    assert "web page" in ended.err


def test_what_is_there_is_not_overwritten(lms: Terminal, models: Path, downloaded: Path) -> None:
    lms.type("import", str(downloaded), "--copy", "--user-repo", "me/mine")
    ended = lms.type("import", str(downloaded), "--user-repo", "me/mine", "--json")
    assert (ended.code, ended.out, downloaded.exists()) == (1, "", True)
    assert '"code":"model_exists"' in ended.err


def test_two_ways_at_once_are_a_usage_error(lms: Terminal, models: Path, downloaded: Path) -> None:
    assert lms.type("import", str(downloaded), "-c", "-l", "-y").code == 2


def test_no_hash_leaves_the_file_unread(lms: Terminal, models: Path, downloaded: Path) -> None:
    assert lms.type("import", str(downloaded), "-y", "--no-hash").code == 0
    assert not Hashes(lms.home.model_hashes).all()


def test_import_never_wakes_a_daemon(lms: Terminal, daemon: FakeDaemon, models: Path, downloaded: Path) -> None:
    daemon.on = False
    lms.environ["LMS_MODELS_DIR"] = str(models)
    assert (lms.type("import", str(downloaded), "--user-repo", "a/b").code, lms.started) == (0, 0)
    assert (models / "a" / "b" / downloaded.name).exists()


@pytest.mark.parametrize("below", ["", "hub", "models"])
def test_a_folder_is_used_in_place_by_its_name_or_the_one_above(
    lms: Terminal, models: Path, tmp_path: Path, below: str
) -> None:
    theirs = tmp_path / "theirs"
    write_gguf(theirs / below / "pub" / "bar" / "bar.gguf")
    ended = lms.type("import", "--in-place", str(theirs), "--json")
    assert ended.json == {"folder": str(theirs / below), "models": ["bar"]}
    assert lms.type("import", "--forget", str(theirs), "--json").json == {"folder": str(theirs / below)}
    assert ModelFolders(lms.home.model_folders).all() == ()


def test_a_folder_without_models_is_not_used_in_place(lms: Terminal, models: Path, tmp_path: Path) -> None:
    ended = lms.type("import", "--in-place", str(tmp_path / "nowhere"))
    assert ended.code == 1
    assert "No models lie in" in ended.err


def test_the_models_folder_itself_is_listed_already(lms: Terminal, models: Path) -> None:
    write_gguf(models / "pub" / "bar" / "bar.gguf")
    assert lms.type("import", "--in-place", str(models)).code == 2


def test_in_place_goes_with_no_other_option(lms: Terminal, models: Path, tmp_path: Path) -> None:
    for option in ("--copy", "--dry-run", "--forget"):
        assert lms.type("import", str(tmp_path), "--in-place", option).code == 2
    assert lms.type("import", "--forget", str(tmp_path)).code == 1


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    """A model as Ollama keeps it."""
    return write_gguf(tmp_path / "blobs" / "sha256-dde5aa3f", name="Llama 3.2 3B Instruct")


def test_a_blob_is_named_by_its_header(lms: Terminal, models: Path, blob: Path) -> None:
    lms.environ["USER"] = "somebody"
    ended = lms.type("import", str(blob), "-L", "-y", "--json")
    target = models / "somebody" / "Llama-3.2-3B-Instruct" / "Llama-3.2-3B-Instruct-Q4_K_M.gguf"
    assert ended.json["files"][0]["to"] == str(target)
    assert ended.json["models"] == ["llama-3.2-3b-instruct"]
    assert target.samefile(blob)
    assert "will miss it" not in ended.err


def test_that_a_blob_would_be_missed_where_it_was_is_said(lms: Terminal, models: Path, blob: Path) -> None:
    ended = lms.type("import", str(blob), "--user-repo", "meta/Llama-3.2-3B-GGUF")
    assert "What keeps sha256-dde5aa3f there will miss it. -c, -L and -l leave it there." in ended.err
    assert (models / "meta" / "Llama-3.2-3B-GGUF" / "Llama-3.2-3B-Instruct-Q4_K_M.gguf").exists()


def test_a_blob_whose_header_has_no_name_is_named_by_user_repo(lms: Terminal, models: Path, blob: Path) -> None:
    write_gguf(blob)
    ended = lms.type("import", str(blob), "--copy", "-y")
    assert (ended.code, models.exists()) == (2, False)
    assert "--user-repo user/repo" in ended.err
    assert lms.type("import", str(blob), "--copy", "--user-repo", "me/mine").code == 0
    assert (models / "me" / "mine" / "mine-Q4_K_M.gguf").read_bytes() == blob.read_bytes()


def test_a_blob_may_be_named_by_its_parts_and_a_projector_says_that_it_is_one(
    lms: Terminal, models: Path, blob: Path
) -> None:
    write_gguf(blob, texts={"general.basename": "Qwen3", "general.size_label": "4B", "general.type": "mmproj"})
    assert lms.type("import", str(blob), "--copy", "--user-repo", "me/mine").code == 0
    assert (models / "me" / "mine" / "mmproj-Qwen3-4B-Q4_K_M.gguf").exists()


def test_a_blob_that_is_cut_off_or_no_model_stays(lms: Terminal, models: Path, blob: Path) -> None:
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-100])
    assert "is no whole model" in lms.type("import", str(blob), "-y").err
    blob.write_bytes(b"{" + whole)
    assert "is not called like a model" in lms.type("import", str(blob), "-y").err
    write_gguf(blob, texts={"general.type": "adapter"})
    assert "is no model" in lms.type("import", str(blob), "-y").err
    assert (blob.exists(), models.exists()) == (True, False)


def test_one_shard_without_a_name_is_not_enough(lms: Terminal, models: Path, blob: Path) -> None:
    write_shard(blob, 0, 2, {"a": (1,)})
    ended = lms.type("import", str(blob), "-y")
    assert (ended.code, blob.exists()) == (2, True)
    assert "one of several files of a model" in ended.err
