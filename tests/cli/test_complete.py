import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.catalog.files import write_gguf
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


@pytest.fixture
def repo(lms: Terminal, tmp_path: Path) -> Path:
    """A folder with two quantizations of one model."""
    lms.environ["LMS_MODELS_DIR"] = str(tmp_path / "models")
    folder = tmp_path / "models" / "someone" / "Some-GGUF"
    for quantization, file_type in {"F16": 1, "Q8_0": 7}.items():
        write_gguf(folder / f"Some-{quantization}.gguf", file_type=file_type)
    return folder


@pytest.mark.usefixtures("repo")
def test_models_are_offered_with_their_variants_and_the_daemon_off(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    names = lms.type("complete", "models").out.split()
    assert {"tiny-chat", "some", "some@f16", "some@q8_0"} <= set(names)
    assert lms.started == 0


def test_a_model_that_was_just_put_there_is_offered(lms: Terminal, repo: Path) -> None:
    lms.type("complete", "models")
    shutil.copytree(repo, repo.parent / "Another-GGUF")
    assert "another" in lms.type("complete", "models").out


def test_identifiers_are_those_of_loaded_models(lms: Terminal) -> None:
    lms.type("load", "tiny-chat", "--identifier", "mine")
    assert lms.type("complete", "identifiers").out == "mine\n"


def test_tokens_are_offered_by_their_ids(lms: Terminal) -> None:
    lms.type("token", "create", "--quiet")
    (token,) = lms.type("token", "list", "--json").json
    assert lms.type("complete", "tokens").out == f"{token['id']}\n"


def test_without_a_daemon_there_is_silence(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("complete", "identifiers")
    assert (ended.code, ended.out, ended.err, lms.started) == (0, "", "", 0)


def test_a_model_that_is_used_in_place_is_offered_and_stays_known(lms: Terminal, repo: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(repo, elsewhere / "somebody" / "Other-GGUF")
    assert lms.type("import", "--in-place", str(elsewhere)).code == 0
    assert "other@q8_0" in lms.type("complete", "models").out.split()
    assert str(elsewhere) in lms.home.catalog_cache.read_text()


@pytest.mark.parametrize(
    ("what", "allowed"), [("models", set()), ("identifiers", {"httpx"}), ("presets", set()), ("tokens", set())]
)
def test_somebody_who_waits_for_names_waits_for_nothing_heavy(what: str, allowed: set[str], tmp_path: Path) -> None:
    heavy = {"typer", "httpx", "rich", "pydantic", "numpy", "flask", "llama_cpp"} - allowed
    program = (
        "import atexit, sys; from lms.cli import main;"
        f"atexit.register(lambda: print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)); main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "complete", what],
        env={**os.environ, "LMS_HOME": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stderr == "[]\n"
    assert ("tiny-chat" in ended.stdout.split()) == (what == "models")


def test_what_is_no_kind_of_name_is_refused_as_ever() -> None:
    ended = subprocess.run([sys.executable, "-m", "lms", "complete", "weather"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "No such command: weather." in ended.stderr
