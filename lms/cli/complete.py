"""`lms complete`, hidden: the names that the completion scripts offer. Never starts anything, never complains."""

from typing import Annotated

import typer

from lms.cli.command import command
from lms.cli.session import Session
from lms.errors import LmsError

What = Annotated[str, typer.Argument(metavar="models|identifiers|tokens")]


def register(root: typer.Typer, section: str) -> None:
    command(root, "complete", section=section, hidden=True)(complete)


def complete(session: Session, what: What) -> None:
    """Print the names of models, of loaded instances or of API tokens, one a line."""
    try:
        for name in _names(session, what):
            session.output.data(name)
    except LmsError:
        return


def _names(session: Session, what: str) -> list[str]:
    if what == "tokens":
        from lms.config.tokens import TokenFile

        return [token.id for token in TokenFile(session.home.tokens).tokens()]
    daemon = session.running_daemon()
    if what == "identifiers":
        return [row.identifier for row in daemon.instances()]
    return [name for row in daemon.models() for name in (row.key, *row.variants)]
