"""`lms launch`: what each tool is told. That it is started is tested in tests/real."""

import json
import shlex

import pytest

from lms.cli.agents import AGENTS, Service
from lms.client.control import Admission, ServerStatus
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon

SERVICE = Service("http://127.0.0.1:1234", "qwen3-4b", "lms_secret")


def test_claude_finds_the_server_and_one_model_for_all_sizes() -> None:
    launch = AGENTS["claude"].launch(SERVICE)
    assert launch.environment["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:1234"
    assert launch.environment["ANTHROPIC_AUTH_TOKEN"] == "lms_secret"
    models = {value for name, value in launch.environment.items() if name.endswith("_MODEL")}
    assert models == {"qwen3-4b"}


def test_claude_sends_nothing_that_changes_at_the_beginning_of_its_prompts() -> None:
    *_, flag, settings = AGENTS["claude"].launch(SERVICE).command
    assert flag == "--settings"
    assert json.loads(settings)["env"]["CLAUDE_CODE_ATTRIBUTION_HEADER"] == "0"


def test_codex_gets_a_provider_that_speaks_responses() -> None:
    launch = AGENTS["codex"].launch(SERVICE)
    assert 'model_providers.lms.base_url="http://127.0.0.1:1234/v1"' in launch.command
    assert 'model_providers.lms.wire_api="responses"' in launch.command
    assert 'model="qwen3-4b"' in launch.command
    assert 'web_search="disabled"' in launch.command  # OpenAI's own tool, which the server refuses
    assert launch.environment == {"LMS_API_TOKEN": "lms_secret"}


def test_aider_takes_it_for_lm_studio() -> None:
    launch = AGENTS["aider"].launch(SERVICE)
    assert launch.command == ("aider", "--model", "lm_studio/qwen3-4b")
    assert launch.environment == {
        "LM_STUDIO_API_BASE": "http://127.0.0.1:1234/v1",
        "LM_STUDIO_API_KEY": "lms_secret",
    }


def test_print_is_for_a_shell_and_starts_the_server_and_the_model(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("launch", "aider", "--print", "-m", "tiny-chat", "--", "--message", "two words")
    assert ended.code == 0
    *exports, command = ended.out.splitlines()
    assert exports == ["export LM_STUDIO_API_BASE=http://127.0.0.1:1234/v1", "export LM_STUDIO_API_KEY=lms"]
    assert shlex.split(command) == ["aider", "--model", "lm_studio/tiny-chat", "--message", "two words"]
    assert daemon.server.running
    assert [row.identifier for row in daemon.loaded] == ["tiny-chat"]


def test_json_has_both(lms: Terminal) -> None:
    shape = lms.type("launch", "codex", "--json", "-m", "tiny-chat").json
    assert shape["command"][0] == "codex"
    assert shape["environment"] == {"LMS_API_TOKEN": "lms"}


def test_a_context_too_short_for_the_tool_is_warned_of(lms: Terminal) -> None:
    assert "lms load -c" in lms.type("launch", "claude", "--print", "-m", "tiny-chat").err
    lms.type("load", "qwen3-4b", "-c", "32768")
    assert "lms load -c" not in lms.type("launch", "claude", "--print", "-m", "qwen3-4b").err


def test_a_server_that_asks_for_tokens_gets_one(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.server = ServerStatus(True, 1234, "127.0.0.1", Admission((), True))
    words = ("launch", "aider", "--print", "-m", "tiny-chat")
    assert lms.type(*words).code == 1
    assert "LM_STUDIO_API_KEY=abc\n" in lms.type(*words, "--token", "abc").out
    lms.environ = {"LMSTUDIO_API_TOKEN": "def"}
    assert "LM_STUDIO_API_KEY=def\n" in lms.type(*words).out
    lms.environ |= {"LM_API_TOKEN": "ghi"}
    assert "LM_STUDIO_API_KEY=ghi\n" in lms.type(*words).out
    assert "LM_STUDIO_API_KEY=abc\n" in lms.type(*words, "--token", "abc").out


def test_a_server_without_a_port_is_none_for_them(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.server = ServerStatus(True, None, "unix:/run/lms.sock")
    assert lms.type("launch", "aider", "--print", "-m", "tiny-chat").code == 1


def test_what_is_not_installed_is_not_started_and_how_to_install_it_is_said(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.environ = {"PATH": ""}
    daemon.on = False
    ended = lms.type("launch", "codex")
    assert (ended.code, lms.started) == (1, 0)
    assert "npm install" in ended.err


@pytest.mark.parametrize("words", [[], ["emacs"], ["claude", "--ttl", "0"]])
def test_other_words_end_with_2(lms: Terminal, words: list[str]) -> None:
    assert lms.type("launch", *words).code == 2
