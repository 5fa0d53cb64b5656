"""`lms --install-completion`, and `lms bootstrap`, hidden, which is what LM Studio has for it.

LM Studio's also puts `lms` on the PATH. Here whatever installed it has done that; where it has not, it is said.
"""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from lms.cli.command import command
from lms.cli.session import Session

InstallCompletion = Annotated[
    bool, typer.Option("--install-completion", help="Have your shell (bash, zsh or fish) complete commands and models.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Nothing is asked anyway.")]


def register(root: typer.Typer, section: str) -> None:
    command(root, "bootstrap", section=section, hidden=True)(bootstrap)


def bootstrap(session: Session, yes: Yes = False) -> None:
    """Have your shell complete commands and models, and say so if it does not find lms."""
    install_completion(session)


def install_completion(session: Session) -> None:
    """For the shell that SHELL names. Raises UsageError when it is none that we have a script for."""
    from lms.cli.shell import own_shell

    shell = own_shell(session.environ)
    shell.install()
    if session.output.as_json:
        session.output.json({"shell": shell.name, "path": str(shell.start_up)})
        return
    session.output.say(f"Completion stands in {shell.start_up}: new shells have it.")
    if shutil.which("lms", path=session.environ.get("PATH")) is None:
        session.output.warn(f"lms is not on the PATH: add {Path(sys.executable).parent} to it.")
