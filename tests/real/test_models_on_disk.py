"""Models that come, are listed, loaded by each of their names, checked, and go: real processes, the fake engine."""

import json
from pathlib import Path

import pytest

from tests.catalog.files import write_gguf
from tests.real.conftest import Lms

pytestmark = pytest.mark.real

Q4_K_M, Q8_0 = 15, 7


@pytest.fixture
def lms(fake_lms: Lms) -> Lms:
    """Two variants of one model, one of the same name by somebody else, one in the hub's cache, and a damaged one."""
    models, hub = fake_lms.home.root / "models", fake_lms.home.root / "hub"
    write_gguf(models / "abc" / "Mini-GGUF" / "Mini-Q4_K_M.gguf", file_type=Q4_K_M)
    write_gguf(models / "abc" / "Mini-GGUF" / "Mini-Q8_0.gguf", file_type=Q8_0)
    write_gguf(models / "zed" / "Mini-GGUF" / "Mini-Q4_K_M.gguf", file_type=Q4_K_M)
    write_gguf(hub / "models--org--Cached-GGUF" / "snapshots" / "abc" / "Cached-Q4_K_M.gguf", file_type=Q4_K_M)
    broken = models / "abc" / "broken" / "broken.gguf"
    broken.parent.mkdir()
    broken.write_bytes(b"GGUF\x03")
    fake_lms("import", "--in-place", str(hub))
    return fake_lms


def keys(lms: Lms) -> list[str]:
    """Every key that `lms ls` prints for a whole model on disk, those of variants too."""
    listed = json.loads(lms("ls", "--json").stdout)
    sound = [model for model in listed if "damaged" not in model]
    return [key for model in sound for key in (model["modelKey"], *model.get("variants", ()))]


def test_every_key_that_is_printed_can_be_loaded_and_requested(lms: Lms) -> None:
    printed = keys(lms)
    assert {"mini", "mini@q4_k_m", "mini@q8_0", "zed/mini", "cached"} <= set(printed)
    for key in printed:
        kind = "embedding" if key.startswith("text-embedding") else "llm"
        for typed in (key, key.upper()):
            assert lms.client.lease(typed, kind).model.key.partition("@")[0] == key.partition("@")[0]
        lms("load", key, "--identifier", "probe")
        lms("unload", "--all")


def test_every_name_that_is_printed_means_the_model_it_is_printed_for(lms: Lms) -> None:
    listed = [model for model in json.loads(lms("ls", "--json").stdout) if "damaged" not in model]
    for model in listed:
        key, path = model["modelKey"], model["path"]
        name = key if "/" in key else f"{model['publisher']}/{key}"
        for typed in (key, name, name.upper(), path, model["indexedModelIdentifier"]):
            assert lms.client.resolve(typed).path == path, typed


def test_variants_are_listed_under_their_own_keys_with_the_selected_one_marked(lms: Lms) -> None:
    lines = [line.split() for line in lms("ls", "mini").stdout.splitlines() if "@" in line]
    assert [line[:2] for line in lines] == [["*", "mini@q4_k_m"], ["mini@q8_0", "2K"]]
    assert [model["modelKey"] for model in json.loads(lms("ls", "mini", "--json").stdout)] == [
        "mini@q4_k_m", "mini@q8_0"
    ]  # fmt: skip


def test_what_others_put_into_the_models_folder_is_seen_at_once(lms: Lms) -> None:
    lms("ls")
    new = write_gguf(lms.home.root / "models" / "abc" / "Fresh" / "fresh.gguf")
    assert "fresh" in keys(lms)
    new.unlink()
    assert "fresh" not in keys(lms)


def test_a_damaged_model_is_listed_with_the_reason_beside_the_others(lms: Lms) -> None:
    listed = {model["modelKey"]: model for model in json.loads(lms("ls", "--json").stdout)}
    assert "broken" in listed
    assert "ends" in listed["broken"]["damaged"]
    assert lms("load", "broken", check=False).returncode == 1
    verified = lms("verify", "broken", "--json", check=False)
    assert (verified.returncode, json.loads(verified.stdout)[0]["status"]) == (1, "damaged")


def test_every_key_in_the_models_folder_can_be_removed(lms: Lms) -> None:
    for key in ("mini@q8_0", "mini", "zed/mini", "broken"):
        lms("rm", key, "-y")
    assert not list((lms.home.root / "models").iterdir())
    assert set(keys(lms)) == {"cached", "tiny-chat", "text-embedding-tiny"}


def test_what_is_loaded_is_not_removed_until_it_is_unloaded(lms: Lms) -> None:
    lms("load", "mini")
    refused = lms("rm", "mini", "-y", "--json", check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert json.loads(refused.stderr)["error"]["code"] == "model_in_use"
    lms("unload", "mini")
    lms("rm", "mini", "-y")


def test_with_nobody_at_stdin_nothing_is_removed_unless_told(lms: Lms) -> None:
    asked = lms("rm", "zed/mini", check=False)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "zed/mini" in keys(lms)


def test_keys_are_stable_when_another_model_arrives(lms: Lms, tmp_path: Path) -> None:
    before = set(keys(lms))
    arrived = write_gguf(tmp_path / "Mini-Q4_K_M.gguf", file_type=Q4_K_M)
    lms("import", str(arrived), "--user-repo", "aaa/Mini-GGUF")
    lms("daemon", "down")
    assert set(keys(lms)) == before | {"aaa/mini"}


def test_show_estimates_for_the_settings_that_are_asked_for(lms: Lms) -> None:
    small, large = (
        json.loads(lms("show", "mini", "-c", tokens, "--json").stdout)["estimate"] for tokens in ("512", "max")
    )
    assert (small["contextLength"], large["contextLength"]) == (512, 4096)
    assert small["memory"]["totalBytes"] < large["memory"]["totalBytes"]


def test_what_came_and_went_is_seen_at_once(lms: Lms, tmp_path: Path) -> None:
    lms("ls")
    lms("import", str(write_gguf(tmp_path / "new.gguf")), "-y")
    assert "new" in keys(lms)
    lms("rm", "new", "-y")
    assert "new" not in keys(lms)
    lms("import", "--forget", str(lms.home.root / "hub"))
    assert "cached" not in keys(lms)


def test_the_models_folder_that_is_set_is_the_next_daemons(lms: Lms) -> None:
    write_gguf(lms.home.root / "elsewhere" / "abc" / "Other-GGUF" / "Other-Q4_K_M.gguf", file_type=Q4_K_M)
    lms.environ.pop("LMS_MODELS_DIR")
    set_ = "config", "set", "server", "models_dir"
    lms(*set_, str(lms.home.root / "models"))
    assert "mini" in keys(lms)
    assert "One runs now: lms daemon down ends it." in lms(*set_, str(lms.home.root / "elsewhere")).stderr
    assert "other" not in keys(lms)
    lms("daemon", "down")
    assert {"other", "mini"} & set(keys(lms)) == {"other"}
