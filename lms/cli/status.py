"""`lms status`: daemon, server and loaded models at a glance."""

import typer

from lms.cli import shapes, units
from lms.cli.command import command
from lms.cli.output import Cell, Styled
from lms.cli.server import find_status
from lms.cli.session import Session
from lms.errors import DaemonUnreachable


def register(root: typer.Typer, section: str) -> None:
    examples = [("lms status", "is it on, where, and what is loaded")]
    command(root, "status", section=section, remote=True, examples=examples)(status)


def status(session: Session) -> None:
    """Show what is on and what is loaded. Never starts anything."""
    server = find_status(session)
    try:
        daemon = session.running_daemon()
        found, instances = daemon.status(), daemon.instances()
    except DaemonUnreachable:
        found, instances = None, []
    if session.output.as_json:
        running = {"running": True, "pid": found.pid, "version": found.version} if found else {"running": False}
        models = shapes.instances(instances)
        session.output.json({"daemon": running, "server": shapes.server(server), "models": models})
        return
    say = session.output.data
    say("Daemon: ", *_switch(f"PID: {found.pid}" if found else None))
    where = server.host if server.port is None else f"port: {server.port}"
    say("Server: ", *_switch(where if server.running else None))
    if not server.running:
        say(Styled("  lms server start starts it.", "dim"))
    say("")
    say("Loaded models:" if instances else "No models are loaded.")
    for row in sorted(instances, key=lambda row: row.identifier):
        say(f"  · {row.identifier} - ", Styled(units.disk(row.model.size_bytes), "dim"))


def _switch(detail: str | None) -> tuple[Cell, ...]:
    return (Styled("OFF", "red"),) if detail is None else (Styled("ON", "green"), f" ({detail})")
