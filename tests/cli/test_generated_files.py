"""Manual pages and completion scripts: fresh, and working in the shells that are installed here."""

import os
import pty
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPLETIONS = ROOT / "completions"

# What the scripts ask the program for, in place of a daemon that would have to run.
FAKE_LMS = """#!/bin/sh
[ "$*" = "complete models" ] && printf "tiny-chat\\nqwen3-4b\\nqwen3-4b@q4_k_m\\n"
[ "$*" = "complete presets" ] && printf "poet\\nsage\\n"
"""
BASH = 'source "$1"; COMP_LINE=$2; COMP_POINT=${#2}; _lms; printf "%s\\n" "${COMPREPLY[@]}"'
FISH = "source $argv[1]; complete -C $argv[2] | cut -f 1"

# zsh offers only where somebody types. This one types LINE, notes what is offered, and leaves.
ZSHRC = """\
fpath=($COMPLETIONS $fpath); autoload -Uz compinit; compinit -u -D
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
    local -a offered
    builtin compadd -O offered "$@"
    print -rl -- $offered >> $OFFERED
    builtin compadd "$@"
}
zle-line-init() { BUFFER=$LINE; CURSOR=$#BUFFER; zle complete-word; BUFFER=exit; zle accept-line }
zle -N zle-line-init
"""

CASES = [
    ("lms serve", {"server"}),
    ("lms server st", {"start", "stop", "status"}),
    ("lms log stream --source ", {"model", "server", "runtime"}),
    ("lms load --gpu m", {"max"}),
    ("lms load --ttl 60 t", {"tiny-chat"}),
    ("lms load --kv-cache-type q", {"q8_0", "q4_0"}),
    ("lms load --cont", {"--context-length"}),
    ("lms load --draft-model t", {"tiny-chat"}),
    ("lms load --identifier server q", {"qwen3-4b", "qwen3-4b@q4_k_m"}),
    ("lms chat --preset p", {"poet"}),
    ("lms config set s", {"server"}),
    ("lms config set t", {"tiny-chat"}),
    ("lms config set server jit_t", {"jit_ttl_s"}),
    ("lms config get --json server jit_t", {"jit_ttl_s"}),
    ("lms config unset tiny-chat jit_t", set()),
    ("lms config set tiny-chat context_l", {"context_length"}),
    ("lms config set tiny-chat context_length m", {"max"}),
    ("lms config set tiny-chat use_mmap o", {"on", "off"}),
    ("lms config set tiny-chat k_cache_type q", {"q8_0", "q4_0"}),
    ("lms config set server port 1", set()),
    ("lms config preset sh", {"show"}),
    ("lms config preset show p", {"poet"}),
    ("lms config preset set poet context_", {"context_overflow_policy"}),
    ("lms config preset set poet reasoning m", {"max", "medium", "minimal"}),
]


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH whose `lms` answers as if a daemon ran."""
    program = tmp_path / "lms"
    program.write_text(FAKE_LMS)
    program.chmod(0o755)
    return f"{tmp_path}:/usr/bin:/bin"


def output_of(*words: str, path: str, home: Path) -> set[str]:
    environ = {"PATH": path, "HOME": str(home), "TERM": "dumb"}
    ended = subprocess.run(words, capture_output=True, text=True, env=environ)
    return set(ended.stdout.split())


def test_manual_pages_and_completions_are_what_the_commands_say() -> None:
    ended = subprocess.run([sys.executable, "-m", "tools.cli_files", "--check"], cwd=ROOT, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_bash_completes(line: str, offered: set[str], path: str, tmp_path: Path) -> None:
    needs("bash")
    script = str(COMPLETIONS / "lms.bash")
    assert output_of("bash", "-c", BASH, "bash", script, line, path=path, home=tmp_path) == offered


def test_bash_offers_only_what_stands_behind_a_word_break(path: str, tmp_path: Path) -> None:
    needs("bash")
    script = str(COMPLETIONS / "lms.bash")
    offered = output_of("bash", "-c", BASH, "bash", script, "lms load qwen3-4b@q", path=path, home=tmp_path)
    assert offered == {"q4_k_m"}


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_fish_completes(line: str, offered: set[str], path: str, tmp_path: Path) -> None:
    needs("fish")
    script = str(COMPLETIONS / "lms.fish")
    assert output_of("fish", "--no-config", "-c", FISH, script, line, path=path, home=tmp_path) == offered


@pytest.mark.parametrize("line", ["lms import ", "lms load --config ", "lms load tiny-chat --lora "])
def test_bash_and_fish_complete_files_where_one_is_asked_for(line: str, path: str, tmp_path: Path) -> None:
    needs("bash")
    needs("fish")
    (tmp_path / "some.gguf").touch()
    typed, file = f"{line}{tmp_path}/so", f"{tmp_path}/some.gguf"
    bash, fish = str(COMPLETIONS / "lms.bash"), str(COMPLETIONS / "lms.fish")
    assert output_of("bash", "-c", BASH, "bash", bash, typed, path=path, home=tmp_path) == {file}
    assert output_of("fish", "--no-config", "-c", FISH, fish, typed, path=path, home=tmp_path) == {file}


def zsh_offers(line: str, path: str, home: Path) -> set[str]:
    """What an interactive zsh has behind `line`, which somebody ends with Tab on a terminal."""
    (home / ".zshrc").write_text(ZSHRC)
    offered = home / "offered"
    offered.touch()
    added = {"ZDOTDIR": str(home), "COMPLETIONS": str(COMPLETIONS), "LINE": line, "OFFERED": str(offered)}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("zsh", ["zsh", "-d", "-i"], {"PATH": path, "HOME": str(home), "TERM": "dumb", **added})
    with suppress(OSError):  # Linux's way to say that nobody is left on the other side
        while os.read(terminal, 65536):
            continue
    os.close(terminal)
    os.waitpid(pid, 0)
    return set(offered.read_text().split())


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_zsh_completes(line: str, offered: set[str], path: str, tmp_path: Path) -> None:
    needs("zsh")
    assert zsh_offers(line, path, tmp_path) == offered


def test_zsh_completes_files_where_one_is_asked_for(path: str, tmp_path: Path) -> None:
    needs("zsh")
    (tmp_path / "some.gguf").touch()
    assert zsh_offers(f"lms import {tmp_path}/so", path, tmp_path) == {"some.gguf"}


def test_every_manual_page_is_clean_roff() -> None:
    needs("groff")
    pages = sorted((ROOT / "man").glob("*.1"))
    words = ["groff", "-Kutf8", "-man", "-Tutf8", "-ww", "-z", *map(str, pages)]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stderr == ""
