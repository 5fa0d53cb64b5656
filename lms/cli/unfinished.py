"""Downloads that are not at their end: what `lms ls` says of them, and how `lms rm` ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lms.cli import units
from lms.cli.confirm import confirm
from lms.cli.session import Daemon, Session
from lms.errors import LmsError

if TYPE_CHECKING:
    from lms.client.control import DownloadRow

STATES = {"downloading": "is on its way", "paused": "is paused", "failed": "has failed"}


def mention(session: Session, daemon: Daemon) -> None:
    """Say how they stand: they take space, and are no models yet."""
    latest = {row.path: row for row in reversed(_unfinished(daemon))}
    for row in latest.values():
        come = f"{units.disk(row.downloaded_bytes)} of {units.disk(row.total_bytes)}"
        session.output.hint(f"A download {STATES[row.status]}: {_name(row)}, {come}.")
    if latest:
        session.output.hint("lms get goes on with it, lms rm discards it.")


def meant(session: Session, typed: str) -> list[DownloadRow]:
    """The downloads of a repo, or with `@quantization` of one model in it. Starts no daemon that would have none."""
    if not any(session.home.downloads.glob("job_*.json")):
        return []
    wanted = typed.strip().lower()
    return [row for row in _unfinished(session.daemon()) if wanted in (row.repo.lower(), _name(row).lower())]


def discard(session: Session, rows: list[DownloadRow], *, yes: bool, dry_run: bool) -> None:
    """Stop them, and delete what has come. A person is asked first."""
    names = list(dict.fromkeys(_name(row) for row in rows))
    size_bytes = sum({row.path: row.downloaded_bytes for row in reversed(rows)}.values())
    what = f"the unfinished download of {', '.join(names)} ({units.disk(size_bytes)})"
    if dry_run:
        session.output.say(f"Would discard {what}. --dry-run: nothing was done.")
    else:
        if not yes and not confirm(session, f"Discard {what}?", hint="-y discards without asking."):
            raise LmsError("Nothing was discarded.")
        daemon = session.daemon()
        for row in rows:
            if row.job_id is not None:
                daemon.cancel_download(row.job_id)
        session.output.say(f"Discarded {what}.")
    if session.output.as_json:
        session.output.json({"models": [], "downloads": names, "sizeBytes": size_bytes, "deleted": not dry_run})


def _unfinished(daemon: Daemon) -> list[DownloadRow]:
    """The last begun first. What failed before anything came has left nothing."""
    rows = (row for row in daemon.downloads() if row.status in STATES and row.downloaded_bytes < row.total_bytes)
    return [row for row in rows if row.downloaded_bytes or row.status != "failed"]


def _name(row: DownloadRow) -> str:
    """What to type to mean it."""
    return row.repo if row.quantization is None else f"{row.repo}@{row.quantization}"
