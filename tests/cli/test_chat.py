"""`lms chat` over a daemon whose answers are written down."""

import base64
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lms.cli.chat import SYSTEM_PROMPT
from lms.config.presets import Presets
from lms.errors import QueueFull
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import TINY, FakeDaemon

STATS = {
    "choices": [{"delta": {}}],
    "stats": {"stop_reason": "eosFound", "tokens_per_second": 51.5, "time_to_first_token": 0.25},
    "usage": {"prompt_tokens": 7, "completion_tokens": 3},
}

# How a picture begins, which is all that is looked at here.
PNG = b"\x89PNG\r\n\x1a\n"


def said(text: str) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}}]}


def thought(text: str) -> dict[str, Any]:
    return {"choices": [{"delta": {"reasoning_content": text}}]}


ANSWER = [said("Hel"), said("lo."), STATS]


def messages(daemon: FakeDaemon, number: int = -1) -> list[tuple[str, Any]]:
    """What the model was told, but for the system prompt."""
    told = daemon.asked[number]["messages"]
    return [(message["role"], message["content"]) for message in told if message["role"] != "system"]


@pytest.fixture
def talking(lms: Terminal, daemon: FakeDaemon) -> Terminal:
    """tiny-chat is loaded, and answers each question with “Hello.”"""
    lms.type("load", "tiny-chat")
    daemon.answers = [list(ANSWER) for _ in range(9)]
    return lms


def test_one_question_has_its_answer_and_nothing_else_on_stdout(talking: Terminal, daemon: FakeDaemon) -> None:
    ended = talking.type("chat", "-p", "Hi")
    assert (ended.code, ended.out, ended.err) == (0, "Hello.\n", "")
    assert messages(daemon) == [("user", "Hi")]


def test_what_is_piped_in_stands_behind_the_prompt(talking: Terminal, daemon: FakeDaemon) -> None:
    talking.keys = " a file\n"
    talking.type("chat", "-p", "Sum this up:")
    talking.type("chat")
    assert [messages(daemon, n) for n in (0, 1)] == [[("user", "Sum this up:\n\na file")], [("user", "a file")]]


def test_without_a_question_nothing_is_started(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("chat")
    assert (ended.code, ended.out, lms.started) == (2, "", 0)


def test_json_has_the_answer_its_reasoning_and_its_figures(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[thought("Hm."), *ANSWER]]
    assert talking.type("chat", "-p", "Hi", "--json").json == {
        "model": "tiny-chat",
        "content": "Hello.",
        "reasoning": "Hm.",
        "stats": {
            "stopReason": "eosFound",
            "tokensPerSecond": 51.5,
            "timeToFirstTokenSec": 0.25,
            "promptTokensCount": 7,
            "predictedTokensCount": 3,
            "totalTokensCount": 10,
        },
    }


def test_in_a_pipe_reasoning_stands_between_tags(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[thought("Hm"), thought("."), *ANSWER], [thought("Hm.")]]
    assert talking.type("chat", "-p", "Hi").out == "<think>\nHm.\n</think>\nHello.\n"
    assert talking.type("chat", "-p", "Hi").out == "<think>\nHm.\n</think>\n"


def test_figures_are_on_stderr(talking: Terminal) -> None:
    ended = talking.type("chat", "-p", "Hi", "--stats")
    assert ended.out == "Hello.\n"
    assert "Tokens/Second: 51.50" in ended.err
    assert "Time to First Token: 0.250s" in ended.err


def test_a_failure_after_the_first_word_ends_with_1(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[said("Hel"), QueueFull("Too many.")]]
    ended = talking.type("chat", "-p", "Hi")
    assert (ended.code, ended.out, ended.err) == (1, "Hel", "Error: Too many.\n")


def test_a_model_that_is_not_loaded_is_loaded_for_an_idle_hour(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [ANSWER, ANSWER, ANSWER]
    lms.type("chat", "tiny-chat", "-p", "Hi")
    lms.type("chat", "tiny-chat", "-p", "Hi")
    lms.type("chat", "qwen3-4b", "--ttl", "60", "-p", "Hi")
    assert [(request.model, request.ttl_s) for request in daemon.requests] == [("tiny-chat", 3600), ("qwen3-4b", 60)]


def test_the_loaded_model_that_was_used_last_is_talked_to(talking: Terminal, daemon: FakeDaemon) -> None:
    talking.type("load", "qwen3-4b")
    talking.type("load", "text-embedding-tiny")
    daemon.loaded = [replace(row, last_used_ms=n) for n, row in enumerate(daemon.loaded)]
    talking.type("chat", "-p", "Hi")
    assert daemon.asked[0]["model"] == "qwen3-4b"


@pytest.mark.parametrize(
    ("words", "code"), [([], 1), (["nothing-like-it"], 1), (["text-embedding-tiny"], 2), (["t"], 2)]
)
def test_without_a_model_that_can_talk_nothing_is_asked(
    lms: Terminal, daemon: FakeDaemon, words: list[str], code: int
) -> None:
    assert lms.type("chat", *words, "-p", "Hi").code == code
    assert (daemon.asked, daemon.requests) == ([], [])


def test_reasoning_is_asked_for_where_the_model_has_the_choice(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.rows = [replace(TINY, reasoning=("off", "on", "low"))]
    lms.type("load", "tiny-chat")
    daemon.answers = [ANSWER] * 4
    for mode in ("auto", "on", "off", "low"):
        lms.type("chat", "-p", "Hi", "--reasoning", mode)
    switches = [{key: body[key] for key in body if "think" in key or "effort" in key} for body in daemon.asked]
    assert switches == [{}, {"enable_thinking": True}, {"enable_thinking": False}, {"reasoning_effort": "low"}]


@pytest.mark.parametrize("mode", ["on", "off", "high", "loud"])
def test_reasoning_that_the_model_cannot_be_set_to_is_refused(talking: Terminal, daemon: FakeDaemon, mode: str) -> None:
    assert talking.type("chat", "-p", "Hi", "--reasoning", mode).code == 2
    assert daemon.asked == []


def test_pictures_go_along_by_path(talking: Terminal, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(PNG)
    talking.type("chat", "-p", "What is it?", "-i", str(tmp_path / "dot.png"))
    encoded = base64.b64encode(PNG).decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}
    assert messages(daemon) == [("user", [picture, {"type": "text", "text": "What is it?"}])]


def test_for_a_picture_that_is_not_there_nothing_is_loaded(lms: Terminal, daemon: FakeDaemon, tmp_path: Path) -> None:
    assert lms.type("chat", "tiny-chat", "-p", "x", "-i", str(tmp_path / "none.png")).code == 2
    assert daemon.requests == []


def test_what_is_no_picture_is_told_by_its_path_before_anything_is_loaded(
    lms: Terminal, daemon: FakeDaemon, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("milk")
    ended = lms.type("chat", "tiny-chat", "-p", "x", "-i", str(tmp_path / "notes.txt"))
    assert (ended.code, daemon.requests) == (2, [])
    assert "notes.txt” is no picture in PNG, JPEG, WebP or GIF." in ended.err


def test_what_a_script_asks_is_saved_when_it_says_so(talking: Terminal) -> None:
    talking.type("chat", "-p", "Hi")
    assert talking.type("chat", "--list", "--json").json == []
    saved = talking.type("chat", "-p", "Hi\nthere", "--save", "--json").json["chatId"]
    [listed] = talking.type("chat", "--list", "--json").json
    assert (listed["id"], listed["title"], listed["messages"]) == (saved, "Hi there", 3)
    assert saved in talking.type("chat", "--list").out


def test_a_saved_chat_goes_on_with_what_was_said(talking: Terminal, daemon: FakeDaemon) -> None:
    saved = talking.type("chat", "-p", "One", "-s", "Be kind.", "--save", "--json").json["chatId"]
    talking.type("chat", "-p", "Two", "--continue")
    talking.type("chat", "-p", "Three", "--chat", saved[:4])
    assert messages(daemon) == [
        ("user", "One"), ("assistant", "Hello."), ("user", "Two"), ("assistant", "Hello."), ("user", "Three"),
    ]  # fmt: skip
    assert daemon.asked[-1]["messages"][0] == {"role": "system", "content": "Be kind."}


def test_saved_chats_are_for_their_owner_only_and_can_be_deleted(talking: Terminal) -> None:
    saved = talking.type("chat", "-p", "Hi", "--save", "--json").json["chatId"]
    file = talking.home.chats / f"{saved}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(talking.home.chats.stat().st_mode) == 0o700
    assert talking.type("chat", "--delete", saved).code == 0
    assert not file.exists()
    assert talking.type("chat", "--chat", saved, "-p", "Hi").code == 1


def test_a_file_that_is_no_chat_is_passed_over(talking: Terminal) -> None:
    talking.home.chats.mkdir()
    (talking.home.chats / "odd.json").write_text('{"id": "../../x", "model": "m", "created_s": 0, "changed_s": 0}')
    (talking.home.chats / "worse.json").write_text("no")
    assert talking.type("chat", "--list", "--json").json == []


def held(talking: Terminal, *lines: str, words: tuple[str, ...] = ()) -> Any:
    """Somebody at a terminal types these lines into a chat."""
    talking.is_tty, talking.keys = True, "".join(f"{line}\n" for line in lines)
    return talking.type("chat", *words)


def test_a_chat_remembers_and_is_saved(talking: Terminal, daemon: FakeDaemon) -> None:
    ended = held(talking, "One", "Two")
    assert ended.code == 0
    assert messages(daemon) == [("user", "One"), ("assistant", "Hello."), ("user", "Two")]
    [file] = talking.home.chats.glob("*.json")
    assert [message["role"] for message in json.loads(file.read_text())["messages"]][1:] == ["user", "assistant"] * 2


def read(processed: int) -> dict[str, Any]:
    delta = {"role": "assistant", "content": None}
    progress = {"total": 100, "cache": 0, "processed": processed}
    return {"choices": [{"delta": delta}], "prompt_progress": progress}


def test_a_long_prompt_shows_how_far_it_is_to_a_person(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[read(40), read(100), said("Hello."), STATS]]
    talking.is_tty = True
    ended = talking.type("chat", "-p", "Hi")
    assert daemon.asked[0]["return_progress"] is True
    assert "Processing the prompt" in ended.err
    assert "Hello." in ended.out


def test_a_short_prompt_shows_nothing(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[read(100), said("Hello."), STATS]]
    talking.is_tty = True
    assert "Processing" not in talking.type("chat", "-p", "Hi").err


def test_a_script_does_not_ask_how_far_the_prompt_is(talking: Terminal, daemon: FakeDaemon) -> None:
    talking.type("chat", "-p", "Hi")
    assert "return_progress" not in daemon.asked[0]


def test_markdown_is_set_on_a_terminal(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[said("Some **bo"), said("ld** words\n\n"), said("- one\n- two\n"), STATS]]
    out = re.sub(r"\x1b\[[0-9?;]*[a-zA-Z]", "", held(talking, "Hi").out)
    assert "Some bold words" in out
    assert " • two" in out


def test_ctrl_c_ends_the_answer_and_not_the_chat(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[said("Hel"), KeyboardInterrupt()], ANSWER]
    ended = held(talking, "One", "Two")
    assert ended.code == 0
    assert "[Stopped]" in ended.err
    assert messages(daemon) == [("user", "One"), ("assistant", "Hel"), ("user", "Two")]


def test_an_error_does_not_end_the_chat(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[QueueFull("Too many.")], ANSWER]
    ended = held(talking, "One", "Two")
    assert "Too many." in ended.err
    assert messages(daemon) == [("user", "Two")]


@pytest.mark.parametrize("word", ["exit", "quit", "/exit", "/QUIT"])
def test_words_that_leave(talking: Terminal, daemon: FakeDaemon, word: str) -> None:
    assert held(talking, word, "Hi").code == 0
    assert daemon.asked == []


def test_slash_commands_are_not_for_the_model(talking: Terminal, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    ended = held(
        talking, "/help", "/stats", "/reasoning", "/reasoning loud", "/nonsense", "/image none.png", "/system-prompt",
        "/model", "/chats", "/continue zz",
    )  # fmt: skip
    assert daemon.asked == []
    for told in ("/system-prompt", "no answer yet", "Reasoning: auto", "There is no command /nonsense", "none.png"):
        assert told in ended.err


def test_slash_commands_change_what_is_asked(talking: Terminal, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(PNG)
    held(
        talking, "One", "/clear", "/system-prompt Be kind.", f"/image {tmp_path / 'dot.png'}", "/model qwen3-4b", "Two",
        "/no_think", "/stats",
    )  # fmt: skip
    second, third = daemon.asked[1:]
    assert second["model"] == "qwen3-4b"
    assert second["messages"][0] == {"role": "system", "content": "Be kind."}
    assert [part["type"] for part in second["messages"][1]["content"]] == ["image_url", "text"]
    assert third["messages"][-1]["content"] == "/no_think"


class Mortal(FakeDaemon):
    """Ends behind its first answer, with all that was loaded."""

    def chat(self, body: dict[str, Any]) -> Any:
        yield from super().chat(body)
        if len(self.asked) == 1:
            self.on = False
            self.loaded.clear()


def test_a_daemon_that_has_ended_meanwhile_is_started_again(talking: Terminal, daemon: FakeDaemon) -> None:
    talking.daemon = Mortal(loaded=daemon.loaded, answers=daemon.answers)
    ended = held(talking, "One", "Two")
    assert (ended.code, talking.started) == (0, 1)
    assert messages(talking.daemon) == [("user", "One"), ("assistant", "Hello."), ("user", "Two")]
    assert "Error" not in ended.err


def test_a_chat_that_cannot_be_saved_says_so_and_goes_on(talking: Terminal, daemon: FakeDaemon) -> None:
    talking.home.chats.write_text("in the way of the folder")
    ended = held(talking, "One", "Two")
    assert ended.code == 0
    assert ended.err.count("File exists") == 2
    assert messages(daemon) == [("user", "One"), ("assistant", "Hello."), ("user", "Two")]


def test_a_model_that_was_unloaded_meanwhile_is_loaded_again(talking: Terminal, daemon: FakeDaemon) -> None:
    def unloading(body: dict[str, Any]) -> Any:
        daemon.asked.append(body)
        daemon.loaded.clear()
        yield from ANSWER

    daemon.chat = unloading  # type: ignore[method-assign]
    assert held(talking, "One", "Two").code == 0
    assert [request.model for request in daemon.requests] == ["tiny-chat", "tiny-chat"]


def test_an_answer_does_not_steer_the_terminal(talking: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers = [[thought("\x1b[2J"), said("\x1b[2Jx"), STATS]]
    assert "\x1b[2J" not in held(talking, "Hi").out


def test_json_is_for_one_question(talking: Terminal, daemon: FakeDaemon) -> None:
    assert held(talking, "Hi", words=("--json",)).code == 2
    assert daemon.asked == []


def test_an_id_that_names_several_chats_is_refused_with_them(talking: Terminal) -> None:
    saved = [talking.type("chat", "-p", "Hi", "--save", "--json").json["chatId"] for _ in range(2)]
    ended = talking.type("chat", "--chat", "", "-p", "Hi")
    assert ended.code == 1
    assert all(each in ended.err for each in saved)


@pytest.fixture
def poet(talking: Terminal) -> Path:
    """A preset with a system prompt."""
    return Presets(talking.home.presets).write("poet", {"system_prompt": "Rhyme.", "temperature": 1.2})


def instructions(daemon: FakeDaemon, number: int = -1) -> list[str]:
    """The system prompts that the model was told."""
    return [message["content"] for message in daemon.asked[number]["messages"] if message["role"] == "system"]


@pytest.mark.usefixtures("poet")
def test_a_preset_is_named_and_its_system_prompt_takes_the_place_of_ours(talking: Terminal, daemon: FakeDaemon) -> None:
    assert talking.type("chat", "-p", "Hi", "--preset", "poet").code == 0
    assert (daemon.asked[-1]["preset"], instructions(daemon)) == ("poet", ["Rhyme."])
    talking.type("chat", "-p", "Hi")
    assert ("preset" in daemon.asked[-1], instructions(daemon)) == (False, [SYSTEM_PROMPT])


@pytest.mark.parametrize(("typed", "told"), [("Be brief.", "Be brief."), ("", "")])
@pytest.mark.usefixtures("poet")
def test_a_typed_system_prompt_goes_over_the_presets(
    talking: Terminal, daemon: FakeDaemon, typed: str, told: str
) -> None:
    talking.type("chat", "-p", "Hi", "--preset", "poet", "-s", typed)
    assert (daemon.asked[-1]["preset"], instructions(daemon)) == ("poet", [told])


def test_a_preset_without_a_system_prompt_leaves_ours(talking: Terminal, daemon: FakeDaemon) -> None:
    Presets(talking.home.presets).write("cold", {"temperature": 0})
    talking.type("chat", "-p", "Hi", "--preset", "cold")
    assert instructions(daemon) == [SYSTEM_PROMPT]


@pytest.mark.parametrize(("name", "said_of_it"), [("port", "There are: poet."), ("poet", "poet.json")])
def test_a_preset_that_is_unknown_or_damaged_is_refused_before_anything_starts(
    talking: Terminal, daemon: FakeDaemon, poet: Path, name: str, said_of_it: str
) -> None:
    poet.write_text("{")
    daemon.on = False
    ended = talking.type("chat", "-p", "Hi", "--preset", name)
    assert (ended.code, ended.out, talking.started) == (2, "", 0)
    assert said_of_it in ended.err


@pytest.mark.usefixtures("poet")
def test_presets_are_changed_within_a_chat(talking: Terminal, daemon: FakeDaemon) -> None:
    ended = held(talking, "/preset", "/preset port", "/preset POET", "One", "/preset off", "Two")
    for told in ("Preset: none", "No preset is called “port”", "Preset: POET"):
        assert told in ended.err
    assert [body.get("preset") for body in daemon.asked] == ["POET", None]
    assert instructions(daemon, 0) == ["Rhyme."]
