"""`lms complete`, hidden: what the completion scripts call.

A group of commands without arguments, because an argument costs 75 ms (`command.py` says why) and a person waits. As
they are typed in the scripts they do not even come here: `main` answers them out of `names.py`.
"""

import typer

from lms.cli import names
from lms.cli.command import command, group
from lms.cli.session import Session

app = group("complete", "Print the names that completion scripts offer, one a line.")


def register(root: typer.Typer, section: str) -> None:
    root.add_typer(app, hidden=True)


@command(app, "models")
def models(session: Session) -> None:
    """Print the keys of the models on disk."""
    names.offer(session, "models")


@command(app, "identifiers")
def identifiers(session: Session) -> None:
    """Print the identifiers of what is loaded."""
    names.offer(session, "identifiers")


@command(app, "presets")
def presets(session: Session) -> None:
    """Print the names of the presets."""
    names.offer(session, "presets")


@command(app, "tokens")
def tokens(session: Session) -> None:
    """Print the ids of the API tokens."""
    names.offer(session, "tokens")
