"""Completion in a person's shell: a line in its start-up file that reads our script, or for fish a link to it.

The script is not copied, so an upgrade of lms is one of its completion too.
"""

import shlex
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lms
from lms.errors import LmsError, UsageError

MARK = "# lms completion"

# Where `pip install` puts them, below the environment's folder.
SHARED = {
    "lms.bash": "share/bash-completion/completions",
    "_lms": "share/zsh/site-functions",
    "lms.fish": "share/fish/vendor_completions.d",
}
ZSH = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }; "


@dataclass(frozen=True)
class Shell:
    """How one shell comes to complete: `line` in `start_up`, or where there is no line, a link there to `script`."""

    name: str
    script: Path
    start_up: Path
    line: str = ""

    def install(self) -> None:
        """Again and again if need be: there is one line, or link, in the end."""
        self.uninstall()
        self.start_up.parent.mkdir(parents=True, exist_ok=True)
        if not self.line:
            self.start_up.symlink_to(self.script)
            return
        text = self.start_up.read_text() if self.start_up.exists() else ""
        with self.start_up.open("a") as file:
            file.write(("" if text.endswith("\n") or not text else "\n") + f"{self.line}  {MARK}\n")

    def uninstall(self) -> bool:
        """Whether there was anything. What else stands in the file stays as it is."""
        if not self.line:
            ours = self.start_up.is_symlink()
            if ours:
                self.start_up.unlink()
            return ours
        lines = self.start_up.read_text().splitlines(keepends=True) if self.start_up.exists() else []
        kept = [line for line in lines if not line.rstrip().endswith(MARK)]
        if kept != lines:
            self.start_up.write_text("".join(kept))
        return kept != lines


def shells(environ: Mapping[str, str]) -> dict[str, Shell]:
    """The ones that we have completions for, by their names. Raises LmsError when the scripts are missing."""
    user = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or user / ".config")
    bash, zsh, fish = (_script(name) for name in SHARED)
    known = (
        Shell("bash", bash, user / ".bashrc", _reading(bash)),
        Shell("zsh", zsh, Path(environ.get("ZDOTDIR") or user) / ".zshrc", _reading(zsh, ZSH)),
        Shell("fish", fish, config / "fish" / "completions" / "lms.fish"),
    )
    return {shell.name: shell for shell in known}


def own_shell(environ: Mapping[str, str]) -> Shell:
    """The one that the user logs in with. Raises UsageError when it is none of ours."""
    name, known = Path(environ.get("SHELL", "")).name, shells(environ)
    if name not in known:
        raise UsageError(
            f"SHELL is “{name}”, and there is completion for {', '.join(known)}.",
            hint="For another shell than your own: SHELL=zsh lms --install-completion",
        )
    return known[name]


def _reading(script: Path, before: str = "") -> str:
    """A line that reads the script if it is there: it may go, with lms, before the line does."""
    path = shlex.quote(str(script))
    return f"[ -r {path} ] && {{ {before}. {path}; }}"


def _script(name: str) -> Path:
    source, installed = Path(lms.__file__).absolute().parents[1], Path(sysconfig.get_path("data"))
    for folder in (source / "completions", installed / SHARED[name]):
        if (folder / name).is_file():
            return folder / name
    raise LmsError(f"This installation has no {name}.", hint="Installing lms anew brings the completion scripts.")
