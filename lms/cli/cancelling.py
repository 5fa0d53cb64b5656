"""What became of a load that was cancelled: the daemon may have been done at that moment, so it is asked.

Limit: a load has no name of its own. Somebody else's of the same model, begun in the same seconds, counts as ours.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lms.errors import LmsError

if TYPE_CHECKING:
    from lms.cli.session import Daemon
    from lms.client.control import InstanceRow, LoadRequest

# The daemon looks twice a second whether somebody still waits for a load.
SETTLE_TIMEOUT_S = 5.0
_POLL_S = 0.05


def outcome(daemon: Daemon, request: LoadRequest, before: Iterable[str]) -> str:
    """A sentence for the user. `before` are the identifiers that were there when the load was asked for."""
    known = set(before)
    try:
        left = _settled(
            lambda: [row for row in daemon.instances() if row.identifier not in known and _is(row, request)]
        )
    except LmsError:
        return "Cancelled. The daemon does not say whether anything was loaded: see lms ps."
    return verdict(left)


def verdict(left: Iterable[InstanceRow]) -> str:
    """What to say when these are there that were not before."""
    row = min(left, key=lambda row: row.state == "loading", default=None)
    if row is None:
        return "Cancelled: nothing was loaded."
    if row.state == "loading":
        return f"Cancelled, but “{row.identifier}” is still loading: lms ps shows what becomes of it."
    return f"Too late: it is loaded, as “{row.identifier}”. lms unload {shlex.quote(row.identifier)} unloads it."


def _is(row: InstanceRow, request: LoadRequest) -> bool:
    if request.identifier is not None:
        return row.identifier == request.identifier
    return row.model.key == request.model and not row.jit


def _settled(look: Callable[[], list[InstanceRow]]) -> list[InstanceRow]:
    """What is there once nothing is loading any more, or after a while."""
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    while (rows := look()) and any(row.state == "loading" for row in rows) and time.monotonic() < deadline_s:
        time.sleep(_POLL_S)
    return rows
