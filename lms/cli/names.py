"""The names that completion scripts offer. Starts nothing, never complains.

Apart from `complete.py` because a person who pressed Tab waits: Typer and the other commands take 60 ms to import.
"""

from collections.abc import Callable, Iterator

from lms.cli import disk
from lms.cli.session import Session
from lms.config.models_folder import models_dir
from lms.errors import LmsError


def offer(session: Session, kind: str) -> None:
    """Print the names of one of `KINDS`, one a line: none where they cannot be told."""
    try:
        names = "\n".join(KINDS[kind](session))
        if names:
            session.output.data(names)
    except BrokenPipeError:
        session.output.abandon()
    except (LmsError, OSError):
        return


def models(session: Session) -> Iterator[str]:
    """The keys of the models on disk. Reads the catalog itself, so it works with the daemon off."""
    for model in disk.catalog(session, models_dir(session.home, session.environ)).models():
        yield model.key
        yield from model.variants


def identifiers(session: Session) -> Iterator[str]:
    """The identifiers of what is loaded."""
    return (row.identifier for row in session.running_daemon().instances())


def presets(session: Session) -> Iterator[str]:
    """The names of the presets."""
    from lms.config.presets import Presets

    return iter(Presets(session.home.presets).names())


def tokens(session: Session) -> Iterator[str]:
    """The ids of the API tokens."""
    from lms.config.tokens import TokenFile

    return (token.id for token in TokenFile(session.home.tokens).tokens())


KINDS: dict[str, Callable[[Session], Iterator[str]]] = {
    "models": models,
    "identifiers": identifiers,
    "presets": presets,
    "tokens": tokens,
}
