import json

import pytest

from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


@pytest.fixture
def two(lms: Terminal) -> Terminal:
    lms.type("load", "tiny-chat")
    lms.type("load", "text-embedding-tiny")
    return lms


def test_an_identifier_is_matched_exactly(two: Terminal, daemon: FakeDaemon) -> None:
    assert two.type("unload", "tiny").code == 1
    ended = two.type("unload", "tiny-chat")
    assert (ended.code, ended.out, ended.err) == (0, "", "Unloaded tiny-chat.\n")
    assert [row.identifier for row in daemon.loaded] == ["text-embedding-tiny"]


def test_an_unknown_identifier_is_a_failure_that_hints_at_ps(two: Terminal) -> None:
    ended = two.type("unload", "nobody")
    assert ended.code == 1
    assert "lms ps" in ended.err


def test_the_only_model_needs_no_identifier(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat")
    assert lms.type("unload").code == 0
    assert daemon.loaded == []


def test_nothing_loaded_is_a_failure_without_all_and_fine_with_it(lms: Terminal) -> None:
    assert lms.type("unload").code == 1
    ended = lms.type("unload", "--all")
    assert (ended.code, ended.err) == (0, "No models are loaded, there is nothing to unload.\n")


def test_nothing_loaded_is_no_such_model_in_json(lms: Terminal) -> None:
    assert json.loads(lms.type("unload", "--json").err)["error"]["code"] == "model_not_found"


def test_all_unloads_llms_and_embedding_models(two: Terminal, daemon: FakeDaemon) -> None:
    ended = two.type("unload", "-a")
    assert (ended.code, daemon.loaded) == (0, [])
    assert ended.err == "Unloaded tiny-chat.\nUnloaded text-embedding-tiny.\n2 models unloaded.\n"


def test_several_without_a_terminal_are_listed_and_end_with_2(two: Terminal, daemon: FakeDaemon) -> None:
    ended = two.type("unload")
    assert (ended.code, len(daemon.loaded)) == (2, 2)
    assert "  tiny-chat\n" in ended.err


def test_several_on_a_terminal_are_asked_about(two: Terminal, daemon: FakeDaemon) -> None:
    two.is_tty, two.keys = True, "1\n"
    assert two.type("unload").code == 0
    assert [row.identifier for row in daemon.loaded] == ["text-embedding-tiny"]


def test_all_with_an_identifier_is_a_usage_error(two: Terminal, daemon: FakeDaemon) -> None:
    assert two.type("unload", "--all", "tiny-chat").code == 2
    assert len(daemon.loaded) == 2


def test_json_names_what_went(two: Terminal) -> None:
    assert two.type("unload", "--all", "--json").json == {"unloaded": ["tiny-chat", "text-embedding-tiny"]}
    assert two.type("unload", "--all", "--json").json == {"unloaded": []}
