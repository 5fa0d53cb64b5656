"""Which models were loaded last by hand on this machine, so that `lms load -y` needs no name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lms.cli.session import Daemon, Session
from lms.errors import AmbiguousModel, ModelNotFound
from lms.paths import write_atomically

if TYPE_CHECKING:
    from lms.client.control import ModelRow

MOST = 20


def latest(session: Session, daemon: Daemon) -> ModelRow | None:
    """The one loaded last of those that are still there and sound. None where that is not known."""
    for key in () if session.place else _keys(session):
        with suppress(ModelNotFound, AmbiguousModel):
            row = daemon.resolve(key)
            if not row.damaged:
                return row
    return None


def remember(session: Session, key: str) -> None:
    """The model of that key was loaded just now. What cannot be written down is forgotten."""
    import msgspec

    if not session.place:
        keys = [key, *(known for known in _keys(session) if known != key)]
        with suppress(OSError):
            write_atomically(session.home.recent_models, msgspec.json.encode(keys[:MOST]))


def _keys(session: Session) -> list[str]:
    import msgspec

    try:
        return msgspec.json.decode(session.home.recent_models.read_bytes(), type=list[str])
    except (OSError, msgspec.DecodeError):
        return []
