"""`lms replay`: send a recorded request again. Nothing is recorded unless the setting `record` says so."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli.command import command
from lms.cli.output import Table
from lms.cli.session import Session
from lms.errors import RequestNotFound

if TYPE_CHECKING:
    from lms.logbus.records import RecordedRequest

Id = Annotated[
    str | None, typer.Argument(metavar="id", help="The request's x-request-id, or how it begins. Default: list them.")
]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("LMS_RECORD=1 lms daemon up", "record from now on (or set it in settings.json)"),
        ("lms replay", "what was recorded"),
        ("lms replay req_5e1b", "ask the same again, and print the reply as it comes"),
    ]
    command(root, "replay", section=section, examples=examples)(replay)


def replay(session: Session, request_id: Id = None) -> None:
    """Send a recorded request again. The reply is printed as the server sends it."""
    recorded = _recorded(session)
    if request_id is None:
        return _list(session, recorded)
    found = _find(recorded, request_id)
    with closing(session.daemon().send(found.path, found.body)) as lines:
        for line in lines:
            session.output.raw(line)
    return None


def _recorded(session: Session) -> "list[tuple[int, RecordedRequest]]":
    from lms.logbus import kept
    from lms.logbus.records import RecordedRequest

    return [
        (published.timestamp, published.data)
        for published in kept.read(session.home.events)
        if isinstance(published.data, RecordedRequest)
    ]


def _find(recorded: "list[tuple[int, RecordedRequest]]", typed: str) -> "RecordedRequest":
    """The last one whose id begins so. Raises RequestNotFound when there is none, or several ids do."""
    found = {request.id: request for _, request in recorded if request.id.startswith(typed)}
    if len(found) > 1:
        raise RequestNotFound(f"Several recorded requests begin with “{typed}”.", candidates=tuple(found))
    if not found:
        hint = "lms replay lists them." if recorded else "Nothing was recorded: the setting record is off by default."
        raise RequestNotFound(f"No request with the id “{typed}” was recorded.", hint=hint)
    return found.popitem()[1]


def _list(session: Session, recorded: "list[tuple[int, RecordedRequest]]") -> None:
    if session.output.as_json:
        rows = [{"id": one.id, "timestamp": when, "path": one.path, "body": one.body} for when, one in recorded]
        return session.output.json(rows)
    if not recorded:
        return session.output.hint("Nothing was recorded: the setting record (LMS_RECORD=1) is off by default.")
    from lms.cli.units import stamp

    table = Table(("ID", "TIME", "PATH"), tuple((one.id, stamp(when / 1000), one.path) for when, one in recorded))
    return session.output.table(table)
