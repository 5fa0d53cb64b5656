"""`lms complete`, hidden: the names that the completion scripts offer. Never starts anything, never complains.

A group of commands without arguments, because an argument costs 75 ms (`command.py` says why) and a person waits.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress

import typer

from lms.cli.command import command, group
from lms.cli.session import Session
from lms.errors import LmsError
from lms.paths import bundled_models_dir, models_dir

app = group("complete", "Print the names that completion scripts offer, one a line.")


def register(root: typer.Typer, section: str) -> None:
    root.add_typer(app, hidden=True)


@command(app, "models")
def models(session: Session) -> None:
    """Print the keys of the models on disk. Reads the catalog itself, so it works with the daemon off."""
    from lms.catalog.catalog import Catalog

    catalog = Catalog(models_dir(session.home, session.environ), bundled_models_dir(), session.home.catalog_cache)
    _print(session, lambda: (name for model in catalog.models() for name in (model.key, *model.variants)))


@command(app, "identifiers")
def identifiers(session: Session) -> None:
    """Print the identifiers of what is loaded."""
    _print(session, lambda: (row.identifier for row in session.running_daemon().instances()))


@command(app, "tokens")
def tokens(session: Session) -> None:
    """Print the ids of the API tokens."""
    from lms.config.tokens import TokenFile

    _print(session, lambda: (token.id for token in TokenFile(session.home.tokens).tokens()))


def _print(session: Session, names: Callable[[], Iterable[str]]) -> None:
    with suppress(LmsError):
        for name in names():
            session.output.data(name)
