import json

import pytest

from lms.cli import presets as commands
from lms.config.presets import Preset
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


@pytest.fixture(autouse=True)
def daemon_off(daemon: FakeDaemon) -> None:
    """Presets are files: nothing has to run."""
    daemon.on = False


def stored(lms: Terminal, name: str = "poet") -> object:
    return json.loads((lms.home.presets / f"{name}.json").read_text(encoding="utf-8"))


def test_set_makes_a_preset_in_a_file_to_read(lms: Terminal) -> None:
    ended = lms.type("config", "preset", "set", "poet", "max-tokens", "300")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "poet: max_tokens is 300. It counts from the next request on.\n"
    assert stored(lms) == {"max_tokens": 300}
    assert lms.started == 0


@pytest.mark.parametrize(
    ("setting", "typed", "value"),
    [
        ("temperature", "1.2", 1.2),
        ("system_prompt", "Answer in rhymes.", "Answer in rhymes."),
        ("system_prompt", "", ""),
        ("reasoning", "off", "off"),
        ("reasoning_budget", "-1", -1),
        ("stop", "END", "END"),
        ("stop", '["a", "b"]', ["a", "b"]),
        ("logit_bias", '{"5": 1}', {"5": 1.0}),
        ("json_schema", '{"type": "object"}', {"type": "object"}),
        ("dry_sequence_breakers", '["\\n"]', ["\n"]),
        ("regex", "[ab]+", "[ab]+"),
        ("context_overflow_policy", "rollingWindow", "rollingWindow"),
        ("draft_model", "tiny", "tiny"),
    ],
)
def test_values_are_what_they_look_like(lms: Terminal, setting: str, typed: str, value: object) -> None:
    # A value that begins with a hyphen stands behind “--”, as in any command line.
    ended = lms.type("config", "preset", "set", "poet", setting, "--json", "--", typed)
    assert ended.json == {"preset": "poet", "setting": setting, "value": value}
    assert stored(lms) == {setting: value}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["poet", "heat", "2"], "“heat” is no setting."),
        (["poet", "context_length", "2"], "“context_length” is no setting."),
        (["poet", "top_p", "2"], "top_p cannot be “2”"),
        (["poet", "reasoning", "much"], "reasoning cannot be “much”"),
        (["poet", "json_schema", "{"], "json_schema cannot be “{”"),
        (["poet", "max_tokens", "0"], "max_tokens is at least 1"),
        (["../poet", "seed", "1"], "“../poet” cannot be the name of a preset."),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_written(lms: Terminal, words: list[str], said: str) -> None:
    ended = lms.type("config", "preset", "set", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert not lms.home.presets.exists()


def test_settings_that_exclude_each_other_are_refused(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "poet", "regex", "a")
    ended = lms.type("config", "preset", "set", "poet", "grammar", "b")
    assert ended.code == 2
    assert "regex and grammar ask for different forms" in ended.err
    assert stored(lms) == {"regex": "a"}


def test_show_prints_what_the_file_has(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "poet", "system_prompt", "Réponds\nen vers.")
    lms.type("config", "preset", "set", "poet", "seed", "7")
    assert json.loads(lms.type("config", "preset", "show", "POET").out) == stored(lms)
    path = str(lms.home.presets / "poet.json")
    shape = {"name": "poet", "path": path, "settings": {"system_prompt": "Réponds\nen vers.", "seed": 7}}
    assert lms.type("config", "preset", "show", "POET", "--json").json == shape
    assert lms.type("config", "preset", "list", "--json").json == [shape]


def test_the_list_has_a_line_for_each(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "poet", "system_prompt", "Answer in rhymes.\n" * 9)
    lms.type("config", "preset", "set", "cold", "temperature", "0")
    lines = [line.split(maxsplit=1) for line in lms.type("config", "preset", "list").out.splitlines()]
    assert [word.strip() for word in lines[0]] == ["PRESET", "SETTINGS"]
    assert [line[0] for line in lines[1:]] == ["cold", "poet"]
    assert lines[1][1].strip() == "temperature 0"
    assert lines[2][1].startswith("system_prompt Answer in rhymes. Answer in rhymes.")


def test_without_presets_the_list_says_how_to_make_one(lms: Terminal) -> None:
    ended = lms.type("config", "preset", "list")
    assert (ended.code, ended.out) == (0, "")
    assert "lms config preset set" in ended.err
    assert lms.type("config", "preset", "list", "--json").json == []


def test_a_damaged_file_is_listed_with_its_path_and_left_as_it_is(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "cold", "seed", "1")
    file = lms.home.presets / "poet.json"
    file.write_text('{"heat": 1}')
    ended = lms.type("config", "preset", "list")
    assert ended.code == 0
    assert "damaged" in ended.out
    assert str(file) in ended.err
    cold, poet = lms.type("config", "preset", "list", "--json").json
    assert cold["settings"] == {"seed": 1}
    assert "heat" in poet["error"]
    for words in (["show", "poet"], ["set", "poet", "seed", "1"], ["unset", "poet", "seed"]):
        ended = lms.type("config", "preset", *words)
        assert (ended.code, ended.out) == (2, "")
        assert str(file) in ended.err
    assert file.read_text() == '{"heat": 1}'


def test_unset_takes_a_setting_out(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "poet", "seed", "1")
    lms.type("config", "preset", "set", "poet", "top_k", "5")
    assert lms.type("config", "preset", "unset", "poet", "seed").err == "poet: seed is not set any more.\n"
    assert stored(lms) == {"top_k": 5}
    ended = lms.type("config", "preset", "unset", "poet", "seed")
    assert (ended.code, ended.err.splitlines()[0]) == (1, "Error: seed is not set in poet.")


def test_remove_deletes_the_file(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "poet", "seed", "1")
    path = str(lms.home.presets / "poet.json")
    assert lms.type("config", "preset", "remove", "poet", "--json").json == {"preset": "poet", "path": path}
    assert lms.type("config", "preset", "list", "--json").json == []


@pytest.mark.parametrize("words", [["show"], ["unset", "seed"], ["remove"], ["path"]])
def test_an_unknown_preset_ends_with_2_and_says_what_there_is(lms: Terminal, words: list[str]) -> None:
    lms.type("config", "preset", "set", "poet", "seed", "1")
    ended = lms.type("config", "preset", words[0], "port", *words[1:])
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "Error: No preset is called “port”.\nThere are: poet.\n"


def test_path_names_the_folder_or_a_file(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "poet", "seed", "1")
    assert lms.type("config", "preset", "path").out == f"{lms.home.presets}\n"
    assert lms.type("config", "preset", "path", "poet").out == f"{lms.home.presets / 'poet.json'}\n"
    assert lms.type("config", "preset", "path", "--json").json == {"path": str(lms.home.presets)}


def test_the_help_names_every_setting() -> None:
    (argument,) = commands.Setting.__metadata__
    words = set(argument.help.replace(",", " ").replace(";", " ").replace(".", " ").split())
    assert set(Preset.__struct_fields__) <= words


def test_presets_are_completed(lms: Terminal) -> None:
    lms.type("config", "preset", "set", "poet", "seed", "1")
    lms.type("config", "preset", "set", "cold", "seed", "1")
    assert lms.type("complete", "presets").out == "cold\npoet\n"
