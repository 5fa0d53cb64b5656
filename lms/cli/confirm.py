"""Asks whether to go on. Only a person is asked."""

import typer

from lms.cli.session import Session
from lms.errors import UsageError


def confirm(session: Session, question: str, *, hint: str, default: bool = False) -> bool:
    """The answer. Raises UsageError with `hint` when nobody can be asked, and Abort at the end of the input."""
    if not session.can_ask:
        raise UsageError(f"{question} Nobody is here to answer.", hint=hint)
    while True:
        session.output.ask(f"{question} [{'Y/n' if default else 'y/N'}] ")
        line = session.stdin.readline()
        if not line:
            raise typer.Abort
        word = line.strip().lower()
        if word in ("", "y", "yes", "n", "no"):
            return word.startswith("y") if word else default
