import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lms.cli.shell import MARK, shells
from tests.cli.conftest import Terminal

# What an interactive shell offers after its start-up file was read. zsh is asked which function completes.
ASK = {
    "bash": ["bash", "--rcfile", "{home}/.bashrc", "-ic", "complete -p lms"],
    "zsh": ["zsh", "-ic", "print -r -- complete $_comps[lms]"],
    "fish": ["fish", "-c", "complete -C 'lms unlo'"],
}
ANSWER = {"bash": "-F _lms lms", "zsh": "complete _lms", "fish": "unload"}


@pytest.fixture
def user(lms: Terminal, tmp_path: Path) -> Path:
    home = tmp_path / "user"
    home.mkdir()
    lms.environ = {"HOME": str(home), "SHELL": "/bin/bash"}
    return home


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_new_shell_completes(lms: Terminal, user: Path, name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    lms.environ["SHELL"] = f"/usr/bin/{name}"
    ended = lms.type("--install-completion")
    assert (ended.code, ended.out) == (0, "")
    assert "new shells" in ended.err
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"  # fish completes what it finds
    environ = {"HOME": str(user), "PATH": path, "TERM": "dumb"}
    words = [word.format(home=user) for word in ASK[name]]
    asked = subprocess.run(words, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    assert ANSWER[name] in asked.stdout


def test_what_stood_in_the_file_stays(lms: Terminal, user: Path) -> None:
    start_up = user / ".bashrc"
    start_up.write_text("alias ll='ls -l'")
    lms.type("--install-completion")
    lms.type("--install-completion")
    text = start_up.read_text()
    assert text.startswith("alias ll='ls -l'\n")
    assert text.count(MARK) == 1
    assert shells(lms.environ)["bash"].uninstall()
    assert start_up.read_text() == "alias ll='ls -l'\n"


def test_there_is_nothing_to_take_out_of_shells_that_have_nothing(lms: Terminal, user: Path) -> None:
    assert not any(shell.uninstall() for shell in shells(lms.environ).values())
    assert list(user.iterdir()) == []


def test_a_fish_completion_of_the_users_own_is_no_link_of_ours(lms: Terminal, user: Path) -> None:
    own = user / ".config" / "fish" / "completions" / "lms.fish"
    own.parent.mkdir(parents=True)
    own.write_text("complete -c lms -a mine\n")
    assert not shells(lms.environ)["fish"].uninstall()
    assert own.exists()


def test_an_unknown_shell_is_refused_with_what_there_is(lms: Terminal, user: Path) -> None:
    lms.environ["SHELL"] = "/bin/tcsh"
    ended = lms.type("--install-completion")
    assert (ended.code, ended.out) == (2, "")
    assert "“tcsh”" in ended.err
    assert "bash, zsh, fish" in ended.err


def test_bootstrap_is_the_same(lms: Terminal, user: Path) -> None:
    assert lms.type("bootstrap", "-y").code == 0
    assert MARK in (user / ".bashrc").read_text()
