"""The frame around all commands: help, version, errors, exit codes."""

import json
import re
import subprocess
import sys

import pytest

from lms import __version__
from lms.errors import DaemonFailed, LmsError, NotEnoughMemory
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.tree import COMMANDS, SHOWN

GROUPS = ([], ["server"], ["daemon"], ["log"])


@pytest.mark.parametrize("words", SHOWN)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_an_example(
    lms: Terminal, capsys: pytest.CaptureFixture[str], words: str, flag: str
) -> None:
    assert lms.type(*words.split(), flag).code == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert f"Usage: lms {words}" in shown.out
    assert f"lms {words}" in shown.out.partition("Examples:\n")[2]
    assert "--json" in shown.out


@pytest.mark.parametrize("words", GROUPS)
def test_a_group_alone_shows_its_help_on_stderr_and_ends_with_2(
    lms: Terminal, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert lms.type(*words).code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Usage: lms" in shown.err


def test_the_root_help_names_every_command(lms: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    assert lms.type("--help").code == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {words.split()[0]} " in shown for words in SHOWN)


@pytest.mark.parametrize("words", [[], *([name] for name in ("server", "daemon", "log", "config", "token", "service"))])
def test_an_overview_has_a_whole_line_for_each_command(
    lms: Terminal, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    lms.type(*words, "--help")
    overview = capsys.readouterr().out.partition("Show this message and exit.")[2].partition("  Examples:")[0]
    listed = [line for line in overview.splitlines() if line.startswith(" ")]
    assert listed
    assert [line for line in listed if not re.fullmatch(r"  [a-z]+ +[A-Z].*[^.]\.", line)] == []


def test_help_says_what_an_argument_is_in_words(lms: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    lms.type("get", "--help")
    assert "\n  name  Words to search for" in capsys.readouterr().out


def test_help_is_a_word_too(lms: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    assert lms.type("help", "server", "start").code == 0
    assert "Usage: lms server start" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["-v"], ["--version"], ["load", "x", "-v"]])
def test_the_version_flag_counts_anywhere(lms: Terminal, words: list[str]) -> None:
    ended = lms.type(*words)
    assert (ended.code, ended.out) == (0, f"lms {__version__}\n")


def test_the_version_command_contacts_nobody(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    assert lms.type("version").out == f"lms {__version__}\n"
    assert lms.type("version", "--json").json == {"version": __version__}
    assert lms.started == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lod"], "No such command: lod. Did you mean load or unload or log?"),
        (["complet"], "No such command: complet."),
        (["server", "begin"], "No such command: begin."),
        (["ps", "--colour"], "No such option: --colour."),
        (["load", "x", "--paralel", "3"], "No such option: --paralel. Did you mean --parallel?"),
        (["load", "x", "--contxt", "9"], "No such option: --contxt. Did you mean --context-length?"),
        (["ps", "too", "many"], "Error: There are more words than it takes (too many)."),
        (["run", "tiny-chat"], "No such command: run. Did you mean chat?"),
        (["serve"], "No such command: serve. Did you mean server start?"),
        (["server", "run"], "No such command: run."),
        (["load", "x", "--parallel", "0"], "--parallel takes a number from 1 to 256, not “0”."),
        (["load", "x", "--parallel", "9" * 20], "--parallel takes a number from 1 to 256"),
        (["load", "x", "--ttl", "soon"], "--ttl takes a number from 1 to 2147483647, not “soon”."),
        (["load", "x", "--ttl", "2147483648"], "--ttl takes a number"),
        (["load", "x", "--ttl"], "--ttl takes a value."),
        (["load", "x", "-c"], "-c takes a value."),
        (["load", "x", "--yes=3"], "--yes takes no value."),
        (["server", "start", "--port", "-1"], "--port takes a number from 0 to 65535, not “-1”."),
        (["server", "start", "-p", "65536"], "--port takes a number from 0 to 65535, not “65536”."),
        (["load", "\udcff"], "An argument is no text in UTF-8."),
        (["load", "x", "--log-level", "loud"], "“loud” is no log level."),
        (["load", "x", "--quiet", "--verbose"], "Only one of --quiet, --verbose and --log-level"),
        (["load", "x", "--quiet", "--log-level", "info"], "Only one of --quiet, --verbose and --log-level"),
    ],
)
def test_a_wrong_command_line_gets_one_clear_line_and_ends_with_2(lms: Terminal, words: list[str], said: str) -> None:
    ended = lms.type(*words)
    first, *rest = ended.err.splitlines()
    assert (ended.code, ended.out, len(rest) <= 1) == (2, "", True)
    assert first.startswith("Error: ")
    assert said in first


@pytest.mark.parametrize("path", COMMANDS)
def test_an_option_that_is_none_is_told_in_one_clear_line_by_every_command(lms: Terminal, path: str) -> None:
    ended = lms.type(*path.split(), "--no-such-option")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("words", [["load", "--quie"], ["load", "--log-lev"], ["ls", "--detail"], ["complet"]])
def test_nothing_hidden_is_suggested(lms: Terminal, words: list[str]) -> None:
    ended = lms.type(*words)
    assert (ended.code, "Did you mean" in ended.err) == (2, False)


@pytest.mark.parametrize("words", [["load", "--ttl"], ["load", "--yes=3"], ["load", "--wrong"]])
def test_a_usage_error_points_to_the_help_of_that_command(lms: Terminal, words: list[str]) -> None:
    assert lms.type(*words).err.splitlines()[1] == "lms load --help shows what it takes."


def test_an_error_is_told_with_its_hint(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.load_error = NotEnoughMemory("It needs 9 GiB.", hint="Take a smaller context.")
    ended = lms.type("load", "tiny-chat")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "Error: It needs 9 GiB.\nTake a smaller context.\n"


def test_with_json_an_error_is_json_on_stderr(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.load_error = NotEnoughMemory("It needs 9 GiB.", hint="Take a smaller context.")
    ended = lms.type("load", "tiny-chat", "--json")
    told = {"code": "not_enough_memory", "message": "It needs 9 GiB.", "hint": "Take a smaller context."}
    assert (ended.code, ended.out, json.loads(ended.err)) == (1, "", {"error": told})


def test_a_usage_error_is_json_too(lms: Terminal) -> None:
    ended = lms.type("ps", "--colour", "--json")
    assert (ended.code, json.loads(ended.err)["error"]["code"]) == (2, "usage_error")


def test_a_daemon_that_cannot_start_is_a_failure(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.load_error = DaemonFailed("The daemon did not start.")
    assert lms.type("load", "tiny-chat").code == 1


class Broken(FakeDaemon):
    def instances(self) -> list:  # type: ignore[type-arg]
        raise KeyError("a bug")


def test_a_bug_is_one_line_and_where_to_look(lms: Terminal) -> None:
    lms.daemon = Broken()
    ended = lms.type("ps")
    assert ended.code == 1
    assert ended.err.startswith("Error: KeyError: 'a bug'\n")
    assert str(lms.home.daemon_log) in ended.err


def test_an_error_of_the_system_is_told_in_its_words(lms: Terminal) -> None:
    lms.daemon = Unreadable()
    ended = lms.type("ps")
    assert (ended.code, ended.err) == (1, "Error: /root: Permission denied.\n")


class Unreadable(FakeDaemon):
    def instances(self) -> list:  # type: ignore[type-arg]
        raise PermissionError(13, "Permission denied", "/root")


@pytest.mark.parametrize("words", [["ps", "--verbose"], ["ls", "--log-level", "debug"]])
def test_a_traceback_is_shown_to_whoever_asks(
    lms: Terminal, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    lms.daemon = Broken()
    assert lms.type(*words).code == 1
    assert "Traceback" in capsys.readouterr().err


def test_quiet_says_nothing_and_still_fails(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.load_error = LmsError("no")
    ended = lms.type("load", "tiny-chat", "--quiet")
    assert (ended.code, ended.out, ended.err) == (1, "", "")


def test_waking_the_daemon_is_told_on_stderr(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("ls", "--json")
    assert ended.json
    assert ended.err == "Waking up the lms daemon…\n"


def test_a_daemon_of_another_version_is_warned_of(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.version_warning = "The daemon is version 0.0.9."
    ended = lms.type("ps", "--json")
    assert (ended.json, ended.err) == ([], "Warning: The daemon is version 0.0.9.\n")


@pytest.mark.parametrize("words", [["--help"], ["-v"], ["load", "--help"], ["server"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    heavy = ("httpx", "flask", "rich", "llama_cpp", "numpy", "pydantic", "msgspec", "psutil", "gunicorn")
    program = (
        "import sys; from lms.cli.app import run; run(sys.argv[1:]);"
        f"print(sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert ended.stderr.endswith("[]\n")


def test_commands_with_flags_only_do_without_pydantic() -> None:
    program = (
        "import sys; from lms.cli.app import run; run(['version', '--json']); run(['server', 'status', '--json']);"
        "print('pydantic' in sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr.endswith("False\n")
