import json
from pathlib import Path

import pytest

from lms.config.presets import MOST_NAMED, Preset, Presets
from lms.errors import PresetNotFound, UsageError
from lms.generation.request import Sampling


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(tmp_path / "presets")


def test_what_is_written_is_read_and_can_be_read_by_people(presets: Presets) -> None:
    path = presets.write("poet", {"temperature": 1.2, "system_prompt": "Réponds en vers."})
    assert path.read_text(encoding="utf-8") == (
        '{\n  "system_prompt": "Réponds en vers.",\n  "temperature": 1.2\n}\n'
    )  # fmt: skip
    assert presets.named("poet") == Preset(temperature=1.2, system_prompt="Réponds en vers.")
    assert presets.fields("poet") == {"temperature": 1.2, "system_prompt": "Réponds en vers."}


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_named_is_no_preset(presets: Presets, nothing: str | None) -> None:
    assert presets.named(nothing) is None


def test_a_file_that_was_edited_counts_at_once(presets: Presets) -> None:
    path = presets.write("poet", {"temperature": 1})
    path.write_text('{"temperature": 2}')
    assert presets.named("poet") == Preset(temperature=2)


def test_names_are_found_in_any_letter_case_and_an_exact_one_wins(presets: Presets) -> None:
    presets.write("Poet", {"seed": 1})
    assert presets.named("POET") == Preset(seed=1)
    presets.write("poet", {"seed": 2})
    assert presets.names() == ["Poet"]
    assert presets.named("Poet") == Preset(seed=2)


def test_an_exact_name_wins(presets: Presets, tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    for name in ("A", "a"):
        (tmp_path / "presets" / f"{name}.json").write_text(json.dumps({"system_prompt": name}))
    if len(presets.names()) < 2:
        pytest.skip("this disk takes both for one name")
    assert [presets.fields(name)["system_prompt"] for name in ("A", "a")] == ["A", "a"]


def test_what_is_no_preset_is_not_listed(presets: Presets, tmp_path: Path) -> None:
    presets.write("poet", {})
    for name in (".hidden.json", "notes.txt", "-.json"):
        (tmp_path / "presets" / name).touch()
    assert presets.names() == ["poet"]


def test_an_unknown_preset_is_refused_with_those_there_are(presets: Presets) -> None:
    with pytest.raises(PresetNotFound, match="lms config preset set makes one") as caught:
        presets.named("poet")
    assert caught.value.param == "preset"
    presets.write("coder", {})
    presets.write("sage", {})
    with pytest.raises(PresetNotFound, match=r"“poet”\. There are: coder, sage\."):
        presets.named("poet")


def test_of_many_presets_some_are_named(presets: Presets) -> None:
    for number in range(MOST_NAMED + 1):
        presets.write(f"p{number:02}", {})
    with pytest.raises(PresetNotFound, match=r"p00, .*p19…$"):
        presets.named("poet")


@pytest.mark.parametrize("name", ["../poet", "a/b", "", ".poet", "a" * 61, "a b", "/etc/passwd"])
def test_what_cannot_be_a_name_is_neither_read_nor_written(presets: Presets, tmp_path: Path, name: str) -> None:
    (tmp_path / "poet.json").write_text("{}")
    with pytest.raises(UsageError, match="cannot be the name"):
        presets.write(name, {})
    with pytest.raises(PresetNotFound):
        presets.path(name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "cannot be read as a preset"),
        ("{", "cannot be read as a preset"),
        ('{"a": ' * 5000, "cannot be read as a preset"),
        ("\udcff", "cannot be read as a preset"),
        ('{"temperatur": 1}', "“temperatur” is no setting"),
        ('{"context_length": 4096}', "“context_length” is no setting"),
        ('{"top_p": 2}', "top_p"),
        ('{"reasoning": "much"}', "reasoning"),
        ('{"max_tokens": 0}', "max_tokens is at least 1"),
        ('{"regex": "a", "grammar": "b"}', "regex and grammar ask for different forms"),
    ],
    ids=lambda given: given[:20],
)
def test_a_wrong_file_is_refused_with_its_path_and_what_is_wrong(presets: Presets, content: str, said: str) -> None:
    path = presets.write("poet", {})
    path.write_bytes(content.encode(errors="surrogateescape"))
    for read in (presets.named, presets.fields):
        with pytest.raises(UsageError, match=said) as caught:
            read("poet")
        assert str(path) in caught.value.message
        assert caught.value.param == "preset"


@pytest.mark.parametrize("fields", [{"top_p": 2}, {"stop": [], "context_length": 1}, {"json_schema": {}, "regex": "a"}])
def test_a_wrong_preset_is_not_written(presets: Presets, fields: dict[str, object]) -> None:
    path = presets.write("poet", {"seed": 1})
    with pytest.raises(UsageError):
        presets.write("poet", fields)
    assert json.loads(path.read_text()) == {"seed": 1}


def test_removed_is_gone(presets: Presets) -> None:
    path = presets.write("poet", {})
    assert presets.remove("POET") == path
    assert presets.names() == []
    with pytest.raises(PresetNotFound):
        presets.remove("poet")


def test_a_preset_knows_all_of_sampling_under_its_names() -> None:
    assert set(Sampling.__struct_fields__) - {"text_bias"} <= set(Preset.__struct_fields__)
