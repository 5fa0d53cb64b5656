"""Each command of the tree, with stdin closed and its output in pipes, with `--json`, and on a terminal.

A command that is added needs a row in `ROWS`: what can be typed behind it, and how that ends. The fake engine answers.
"""

import json
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from lms.config.tokens import TokenFile
from lms.paths import bundled_models_dir
from tests.cli.tree import COMMANDS
from tests.real.conftest import Lms, clean_up, new_lms
from tests.real.terminals import on_a_terminal

pytestmark = pytest.mark.real

TIMEOUT_S = 60
ESCAPE = "\x1b"
STREAMING = "Streaming logs"
# What has no end gets Ctrl-C when it streams.
INTERRUPTED = {STREAMING.encode(): b"\x03"}


@dataclass(frozen=True)
class Row:
    """`words` stand behind the command, which ends with `code`; `before` are command lines that make that possible.

    `{home}` is the folder of lms, `{token}` the id of a token. `json`: whether there is anything to print as JSON.
    `endless`: it runs until it is told to end.
    """

    words: str = ""
    code: int = 0
    before: tuple[str, ...] = ()
    json: bool = True
    endless: bool = False


LOADED = ("load tiny-chat --reuse",)
IMPORTED = "import --copy -y --user-repo me/spare {home}/spare.gguf"
PRESET = ("config preset set poet temperature 1",)
HOSTED = Row("anything --at-all", code=2)

ROWS = {
    "chat": Row("tiny-chat -p hello"),
    "get": Row("nobody/nothing -y", code=1),
    "load": Row("tiny-chat", before=("unload --all",)),
    "unload": Row("--all", before=LOADED),
    "ls": Row(),
    "ps": Row(before=LOADED),
    "top": Row("-n 1", before=LOADED),
    "import": Row("--copy -y --user-repo me/spare {home}/spare.gguf", before=("rm spare -y",)),
    "show": Row("tiny-chat"),
    "rm": Row("spare -y", before=(IMPORTED,)),
    "verify": Row("tiny-chat"),
    "replay": Row(before=("chat tiny-chat -p hello",)),
    "launch": Row("aider -m tiny-chat --print"),
    "bench": Row("tiny-chat --streams 1 --tokens 2 --prompt-words 3"),
    "status": Row(),
    "version": Row(),
    "uninstall": Row(),
    "bootstrap": Row(),
    **dict.fromkeys(("login", "logout", "whoami", "clone", "push", "link", "dev", "create", "flags"), HOSTED),
    "server start": Row(),
    "server stop": Row(before=("server start",)),
    "server status": Row(),
    "token create": Row("--name ci"),
    "token list": Row(before=("token create",)),
    "token revoke": Row("{token}", before=("token create",)),
    "config set": Row("server jit_ttl_s 60"),
    "config get": Row("server jit_ttl_s"),
    "config list": Row("server"),
    "config unset": Row("server jit_ttl_s", before=("config set server jit_ttl_s 60",)),
    "config path": Row(),
    "config preset list": Row(before=PRESET),
    "config preset show": Row("poet", before=PRESET),
    "config preset set": Row("poet seed 7"),
    "config preset unset": Row("poet temperature", before=PRESET),
    "config preset remove": Row("poet", before=PRESET),
    "config preset path": Row(),
    "log stream": Row(endless=True, json=False),
    "log show": Row("--since 1h"),
    "daemon up": Row(),
    "daemon down": Row(before=("daemon up",)),
    "daemon status": Row(),
    "daemon update": Row(code=1),
    "service install": Row("--print"),
    "service uninstall": Row(code=1),
    "service status": Row(),
    "runtime ls": Row(),
    "runtime survey": Row(),
    **dict.fromkeys(("runtime get", "runtime update", "runtime select", "runtime remove"), HOSTED),
    "complete models": Row(json=False),
    "complete identifiers": Row(before=LOADED, json=False),
    "complete presets": Row(before=PRESET, json=False),
    "complete tokens": Row(before=("token create",), json=False),
}


@pytest.fixture(scope="module")
def lms() -> Iterator[Lms]:
    """A home of a user's own, in which everything is recorded, without a hub."""
    command = new_lms(fake_engine=True)
    user = command.home.root / "user"
    user.mkdir()
    shutil.copy(next(bundled_models_dir().glob("**/tiny-chat*.gguf")), command.home.root / "spare.gguf")
    added = {
        "HOME": str(user),
        "SHELL": "/bin/bash",
        "LMS_RECORD": "1",
        "LMS_SERVER_PORT": "0",
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "TERM": "xterm-256color",
    }
    kept = {name: value for name, value in command.environ.items() if name not in ("NO_COLOR", "XDG_CONFIG_HOME")}
    yield replace(command, environ=kept | added)
    clean_up(command)


def prepared(lms: Lms, path: str) -> list[str]:
    """The command line, of which what stands before it was done."""
    row = ROWS[path]
    for line in row.before:
        lms(*filled(lms, line), check=False)
    return [*path.split(), *filled(lms, row.words)]


def filled(lms: Lms, line: str) -> list[str]:
    tokens = TokenFile(lms.home.tokens).tokens()
    return shlex.split(line.format(home=lms.home.root, token=tokens[-1].id if tokens else ""))


def in_pipes(lms: Lms, words: list[str], *, endless: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run it with stdin closed. One that has no end is told to end when it streams."""
    started = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "lms", *words],
        env=lms.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = ""
    if endless:
        assert started.stderr
        while STREAMING not in said:
            said += (line := started.stderr.readline())
            assert line, said
        started.send_signal(signal.SIGTERM)
    out, err = started.communicate(timeout=TIMEOUT_S)
    return subprocess.CompletedProcess(words, started.returncode, out, said + err)


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    assert set(ROWS) == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_with_stdin_closed_and_in_pipes_it_is_plain_text(lms: Lms, path: str) -> None:
    done = in_pipes(lms, prepared(lms, path), endless=ROWS[path].endless)
    said = done.stdout + done.stderr
    assert (done.returncode, "Traceback" in said, ESCAPE in said) == (ROWS[path].code, False, False), said
    assert said
    assert (done.returncode == 0) or (done.stdout == "" and "Error: " in done.stderr)


@pytest.mark.parametrize("path", COMMANDS)
def test_with_json_there_is_json_and_nothing_else_on_stdout(lms: Lms, path: str) -> None:
    row = ROWS[path]
    done = in_pipes(lms, [*prepared(lms, path), "--json"], endless=row.endless)
    assert done.returncode == row.code, done.stderr
    shapes = [json.loads(line) for line in done.stdout.splitlines()] if row.json else []
    if row.code:
        assert shapes == []
        assert json.loads(done.stderr.splitlines()[-1])["error"]["message"]
    elif row.json:
        assert shapes
        assert "Error" not in done.stderr


@pytest.mark.parametrize("path", COMMANDS)
def test_on_a_terminal_it_ends_the_same_way(lms: Lms, path: str) -> None:
    code, shown = on_a_terminal(lms, *prepared(lms, path), replies=INTERRUPTED if ROWS[path].endless else {})
    assert (code, "Traceback" in shown) == (ROWS[path].code, False), shown
