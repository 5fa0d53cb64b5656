import json
import re
from pathlib import Path

import pytest

from lms.cli.setting import MOST_SHOWN
from lms.config.defaults import FIELDS
from lms.config.settings import Settings
from tests.catalog.files import write_gguf
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


def models_file(lms: Terminal) -> object:
    return json.loads(lms.home.model_defaults.read_text(encoding="utf-8"))


def test_what_is_set_for_a_model_is_in_a_file_to_read(lms: Terminal) -> None:
    ended = lms.type("config", "set", "tiny-chat", "context-length", "512")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "tiny-chat: context_length is 512. It counts from the next load on.\n"
    assert (
        lms.home.model_defaults.read_text(encoding="utf-8")
        == '{\n  "tiny-chat": {\n    "context_length": 512\n  }\n}\n'
    )


@pytest.mark.parametrize(
    ("setting", "typed", "value"),
    [
        ("threads", "2", 2),
        ("use_mmap", "off", False),
        ("flash_attention", "ON", True),
        ("pinned", "true", True),
        ("ttl_s", "600", 600.0),
        ("temperature", "0.2", 0.2),
        ("k_cache_type", "q8_0", "q8_0"),
        ("speculation", "off", "off"),
        ("tensor_split", "[3, 1]", [3.0, 1.0]),
        ("lora", '[{"path": "/a.gguf", "scale": 0.5}]', [{"path": "/a.gguf", "scale": 0.5}]),
        ("chat_template", "{{ messages }}", "{{ messages }}"),
    ],
)
def test_values_are_what_they_look_like(lms: Terminal, setting: str, typed: str, value: object) -> None:
    assert lms.type("config", "set", "tiny-chat", setting, typed).code == 0
    assert models_file(lms) == {"tiny-chat": {setting: value}}
    assert lms.type("config", "get", "tiny-chat", setting, "--json").json["value"] == value


@pytest.mark.parametrize(
    ("setting", "typed", "said"),
    [
        ("thread", "2", "“thread” is no setting. Did you mean threads?"),
        ("threads", "0", "threads cannot be “0”: it takes a whole number of at least 1."),
        ("threads", "on", "threads cannot be “on”: it takes a whole number."),
        ("pinned", "maybe", "pinned cannot be “maybe”: it takes on or off."),
        ("threads", "null", "threads has no value “null”."),
        ("lora", "a.gguf", "lora cannot be “a.gguf”: JSON is malformed"),
        ("lora", "1", "lora cannot be “1”: it takes a list."),
        ("speculation", "magic", "speculation cannot be “magic”: it takes off or ngram."),
        ("top_p", "2", "top_p cannot be “2”: it takes a number of at most 1.0."),
        ("context_length", "9999", "takes a context of 2048 tokens at most"),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_written(lms: Terminal, setting: str, typed: str, said: str) -> None:
    ended = lms.type("config", "set", "tiny-chat", setting, typed)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert not lms.home.model_defaults.exists()


def test_settings_that_exclude_each_other_are_refused(lms: Terminal) -> None:
    lms.type("config", "set", "tiny-chat", "flash_attention", "off")
    ended = lms.type("config", "set", "tiny-chat", "v_cache_type", "q8_0")
    assert ended.code == 2
    assert "Values kept as q8_0 need flash attention" in ended.err
    assert models_file(lms) == {"tiny-chat": {"flash_attention": False}}


def test_max_is_the_models_own_limit(lms: Terminal) -> None:
    lms.type("config", "set", "qwen3-4b", "context_length", "max")
    assert models_file(lms) == {"qwen3-4b": {"context_length": 40960}}


def test_an_unknown_model_is_refused(lms: Terminal) -> None:
    ended = lms.type("config", "set", "nothing-like-it", "threads", "2")
    assert (ended.code, "lms ls" in ended.err) == (1, True)


def test_unset_takes_it_out_also_of_a_model_that_is_gone(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("config", "set", "tiny-chat", "threads", "2")
    daemon.rows = []
    assert lms.type("config", "unset", "tiny-chat", "threads").err == "tiny-chat: threads is not set any more.\n"
    assert models_file(lms) == {}


@pytest.mark.parametrize("verb", ["get", "unset"])
@pytest.mark.parametrize("scope", ["tiny-chat", "server"])
def test_what_is_not_there_ends_with_1(lms: Terminal, verb: str, scope: str) -> None:
    setting = "threads" if scope == "tiny-chat" or verb == "get" else "port"
    ended = lms.type("config", verb, scope, setting)
    assert (ended.code, ended.out) == (1, "")
    assert f"is not set for {scope}." in ended.err


def test_settings_of_the_server_need_no_daemon(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("config", "set", "server", "port", "4321")
    assert ended.err == "server: port is 4321. It counts when the daemon starts again.\n"
    assert json.loads(lms.home.settings.read_text(encoding="utf-8")) == {"port": 4321}
    assert lms.type("config", "get", "server", "port").out == "4321\n"
    assert lms.started == 0


@pytest.mark.parametrize(
    ("setting", "typed"), [("port", "99999"), ("jit", "perhaps"), ("cors", "a.example"), ("x", "1")]
)
def test_a_wrong_setting_of_the_server_is_refused_and_nothing_written(lms: Terminal, setting: str, typed: str) -> None:
    assert lms.type("config", "set", "server", setting, typed).code == 2
    assert not lms.home.settings.exists()


def test_the_environment_goes_over_the_file_and_that_is_said(lms: Terminal) -> None:
    lms.environ["LMS_JIT"] = "true"
    ended = lms.type("config", "set", "server", "jit", "off")
    assert "Warning: LMS_JIT is set in this environment, and goes over the file.\n" in ended.err
    assert lms.type("config", "get", "server", "jit").out == "on\n"


def test_the_list_says_where_each_value_comes_from(lms: Terminal) -> None:
    lms.environ["LMS_JIT_TTL"] = "60"
    lms.type("config", "set", "server", "port", "4321")
    lms.type("config", "set", "tiny-chat", "threads", "2")
    rows = [line.split() for line in lms.type("config", "list").out.splitlines()]
    assert rows[0] == ["FOR", "SETTING", "VALUE", "FROM"]
    for row in (
        ["server", "port", "4321", "file"],
        ["server", "jit", "on", "default"],
        ["tiny-chat", "threads", "2", "file"],
    ):
        assert row in rows
    assert ["server", "jit_ttl_s", "60", "LMS_JIT_TTL"] in rows


def test_the_list_in_json(lms: Terminal) -> None:
    lms.type("config", "set", "tiny-chat", "threads", "2")
    listed = lms.type("config", "list", "--json").json
    assert listed["models"] == {"tiny-chat": {"threads": 2}}
    assert listed["server"]["jit"] == {"value": True, "source": "default"}


def test_the_list_of_one_model_holds_no_other(lms: Terminal) -> None:
    lms.type("config", "set", "tiny-chat", "threads", "2")
    lms.type("config", "set", "qwen3-4b", "threads", "3")
    assert lms.type("config", "list", "tiny-chat", "--json").json == {"models": {"tiny-chat": {"threads": 2}}}
    ended = lms.type("config", "list", "text-embedding-tiny")
    assert (ended.code, ended.out, ended.err) == (0, "", "Nothing is set for text-embedding-tiny.\n")


def test_path_names_both_files_whether_they_are_there_or_not(lms: Terminal) -> None:
    assert lms.type("config", "path").out == f"{lms.home.settings}\n{lms.home.model_defaults}\n"
    assert set(lms.type("config", "path", "--json").json) == {"server", "models"}


@pytest.mark.parametrize("words", [["list"], ["get", "tiny-chat", "threads"], ["set", "tiny-chat", "threads", "1"]])
def test_a_file_that_was_edited_badly_is_named_and_left_as_it_is(lms: Terminal, words: list[str]) -> None:
    lms.home.model_defaults.write_text("{", encoding="utf-8")
    ended = lms.type("config", *words)
    assert (ended.code, ended.out) == (2, "")
    assert "models.json is no JSON" in ended.err
    assert lms.home.model_defaults.read_text(encoding="utf-8") == "{"


def test_the_help_names_every_setting(lms: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    lms.type("config", "set", "--help")
    named = set(re.findall(r"[a-z_]+", capsys.readouterr().out))
    assert not {*Settings.__struct_fields__, *FIELDS} - named


def test_settings_of_a_model_that_were_edited_badly_can_be_mended(lms: Terminal) -> None:
    lms.home.model_defaults.write_text('{"tiny-chat": {"thread": 2, "parallel": 3}}')
    assert lms.type("config", "list").code == 2
    assert lms.type("config", "unset", "tiny-chat", "thread").code == 0
    assert models_file(lms) == {"tiny-chat": {"parallel": 3}}


def test_a_list_is_shown_as_json(lms: Terminal) -> None:
    written = '[{"path": "/a.gguf", "scale": 0.5}]'
    assert f"lora is {written}. " in lms.type("config", "set", "tiny-chat", "lora", written).err


@pytest.mark.parametrize("words", [("unset", "server", "port"), ("set", "server", "port", "80")])
def test_what_was_edited_badly_can_be_mended(lms: Terminal, words: tuple[str, ...]) -> None:
    lms.home.settings.write_text('{"port": 99999, "jit": false}')
    assert lms.type("config", *words).code == 0
    assert lms.type("config", "get", "server", "jit").out == "off\n"


def test_a_long_template_is_listed_short_and_printed_whole(lms: Terminal) -> None:
    text = "x" * (MOST_SHOWN + 1)
    lms.type("config", "set", "tiny-chat", "chat_template", text)
    assert lms.type("config", "list", "tiny-chat").out.count("x") == MOST_SHOWN
    assert lms.type("config", "get", "tiny-chat", "chat_template").out == text + "\n"


def test_config_alone_shows_its_help_and_ends_with_2(lms: Terminal) -> None:
    assert lms.type("config").code == 2


def test_config_alone_in_json_is_the_list(lms: Terminal) -> None:
    lms.type("config", "set", "server", "port", "4321")
    assert lms.type("config", "--json").json == lms.type("config", "list", "--json").json
    assert lms.type("config", "--json", "list").code == 2


@pytest.mark.parametrize("value", ["-0.5", "-2"])
def test_a_value_may_be_less_than_0(lms: Terminal, value: str) -> None:
    assert lms.type("config", "set", "tiny-chat", "presence_penalty", value).code == 0
    assert lms.type("config", "get", "tiny-chat", "presence_penalty").out == f"{value}\n"


def test_the_models_folder_is_set_listed_and_used_without_a_daemon(
    lms: Terminal, daemon: FakeDaemon, tmp_path: Path
) -> None:
    daemon.on = False
    write_gguf(tmp_path / "elsewhere" / "someone" / "Other-GGUF" / "other.gguf")
    assert lms.type("config", "set", "server", "models_dir", str(tmp_path / "elsewhere")).code == 0
    row = lms.type("config", "list", "server", "--json").json["server"]["models_dir"]
    assert row == {"value": str(tmp_path / "elsewhere"), "source": "file"}
    assert "other" in lms.type("complete", "models").out.split()
    assert lms.type("rm", "other", "-y").code == 0
    assert not (tmp_path / "elsewhere" / "someone").exists()
    assert lms.started == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [("models", "no absolute path"), ("", "no absolute path"), ("/no/such/models", "There is no /no")],
)
def test_a_models_folder_that_cannot_be_is_refused(lms: Terminal, typed: str, said: str) -> None:
    ended = lms.type("config", "set", "server", "models_dir", typed)
    assert (ended.code, lms.home.settings.exists()) == (2, False)
    assert said in ended.err


def test_a_daemon_that_runs_is_said_to_have_the_old_settings(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = True
    said = "It counts when the daemon starts again. One runs now: lms daemon down ends it.\n"
    assert lms.type("config", "set", "server", "jit", "off").err.endswith(said)
    assert lms.type("config", "unset", "server", "jit").err.endswith(said)


def test_settings_may_be_typed_like_flags(lms: Terminal) -> None:
    assert lms.type("config", "set", "tiny-chat", "--context-length", "1024").code == 0
    assert lms.type("config", "get", "tiny-chat", "--context-length", "--json").json["value"] == 1024
    assert lms.type("config", "unset", "tiny-chat", "--context-length").code == 0
    assert lms.type("config", "set", "tiny-chat", "--jsn", "threads", "1").code == 2


def test_on_a_terminal_the_list_is_a_table(lms: Terminal) -> None:
    lms.is_tty = True
    lms.environ["TERM"] = "xterm"
    assert "memory_budget_mb" in lms.type("config", "list").out
