import json
from pathlib import Path

import pytest

from lms.catalog.catalog import scan
from lms.config.load import LoadConfig
from lms.pool.rows import model_row
from tests.catalog.files import write_gguf, write_mlx
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon

TEMPLATE = "{% for message in messages %}{{ tools }}{% endfor %}"


@pytest.fixture
def models(tmp_path: Path, daemon: FakeDaemon) -> Path:
    """A models folder with a language model, which the daemon sees."""
    folder = tmp_path / "models"
    texts = {"general.license": "apache-2.0", "general.license.link": "https://licence"}
    write_gguf(folder / "pub" / "foo" / "foo.gguf", name="Foo", texts=texts, chat_template=TEMPLATE)
    daemon.models_dir = str(folder)
    daemon.rows = [model_row(model) for model in scan(folder)]
    return folder


def test_it_tells_what_a_model_is_and_can_and_takes(lms: Terminal, models: Path) -> None:
    ended = lms.type("show", "foo")
    rows = dict(line.strip().split(maxsplit=1) for line in ended.out.splitlines() if len(line.split()) > 1)
    assert (ended.code, ended.err) == (0, "")
    assert (rows["Licence"], rows["Name"]) == ("apache-2.0 https://licence", "Foo")
    assert rows["Can"] == "complete, chat, use tools"
    assert rows["Memory"].startswith("2.50 GiB for 4,096 tokens: weights 1.50 GiB")


def test_json_is_what_ls_says_and_more(lms: Terminal, models: Path) -> None:
    shape = lms.type("show", "foo", "--json").json
    (listed,) = lms.type("ls", "foo", "--json").json
    assert {key: shape[key] for key in listed} == listed
    assert (shape["license"], shape["chatTemplate"]) == ("apache-2.0", TEMPLATE)
    assert shape["files"] == [{"path": str(models / "pub/foo/foo.gguf"), "sizeBytes": shape["sizeBytes"]}]
    assert shape["metadata"]["llama.block_count"] == 2
    assert shape["estimate"]["memory"]["totalBytes"] == 5 * 1024**3 // 2
    assert not [key for key in shape["metadata"] if "template" in key]


def test_the_memory_is_for_the_settings_that_are_asked_for(lms: Terminal, models: Path, daemon: FakeDaemon) -> None:
    lms.type("show", "foo", "-c", "max", "--parallel", "2", "--kv-cache-type", "q8_0")
    assert daemon.requests[-1].config == LoadConfig(
        context_length=4096, parallel=2, k_cache_type="q8_0", v_cache_type="q8_0"
    )


def test_a_context_that_the_model_does_not_take_is_said_to_be_shorter(lms: Terminal, models: Path) -> None:
    ended = lms.type("show", "foo", "-c", "99999", "--json")
    assert ended.json["estimate"]["contextLength"] == 4096
    assert "Warning: The model takes 4,096 tokens at most, not 99,999." in ended.err


def test_the_longest_context_of_a_model_that_does_not_say_is_not_known(lms: Terminal, models: Path) -> None:
    write_gguf(models / "pub" / "bar" / "bar.gguf", dimensions={})
    ended = lms.type("show", "bar", "-c", "max")
    assert (ended.code, ended.out) == (1, "")
    assert "Give -c a number." in ended.err


def test_the_template_comes_alone_for_a_file(lms: Terminal, models: Path) -> None:
    assert lms.type("show", "foo", "--template").out == TEMPLATE + "\n"
    assert lms.type("show", "foo", "--template", "--json").json == {"modelKey": "foo", "chatTemplate": TEMPLATE}


def test_a_model_without_a_template_says_so(lms: Terminal, models: Path) -> None:
    write_gguf(models / "pub" / "bar" / "bar.gguf")
    ended = lms.type("show", "bar", "--template")
    assert (ended.code, ended.out) == (1, "")
    assert "no chat template" in ended.err


def test_all_metadata_come_when_asked_for(lms: Terminal, models: Path) -> None:
    assert "llama.block_count" in lms.type("show", "foo", "--metadata").out
    assert "llama.block_count" not in lms.type("show", "foo").out


def test_an_mlx_model_tells_its_licence_in_its_readme(lms: Terminal, models: Path, daemon: FakeDaemon) -> None:
    folder = write_mlx(models / "community" / "bar-4bit", chat_template="{{ messages }}")
    (folder / "README.md").write_text('---\ntags:\n- mlx\nlicense: "mit"\n---\nlicense: none\n')
    daemon.rows = [model_row(model) for model in scan(models)]
    shape = lms.type("show", "bar", "--json").json
    assert (shape["license"], shape["chatTemplate"], shape["format"]) == ("mit", "{{ messages }}", "safetensors")
    assert shape["metadata"]["quantization.bits"] == 4


def test_a_part_of_a_name_is_enough_and_two_models_are_not_one(lms: Terminal, models: Path) -> None:
    assert lms.type("show", "fo", "--json").json["modelKey"] == "foo"
    write_gguf(models / "pub" / "food" / "food.gguf")
    ended = lms.type("show", "fo", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert json.loads(ended.err)["error"]["candidates"] == ["foo", "food"]


def test_a_damaged_model_is_refused_with_the_reason(lms: Terminal, models: Path) -> None:
    (models / "pub" / "foo" / "foo.gguf").write_bytes(b"vers")
    ended = lms.type("show", "foo")
    assert ended.code == 1
    assert "Git LFS pointer" in ended.err
