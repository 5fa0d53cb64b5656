"""`lms daemon up | down | status | update`: the process that owns everything that is loaded."""

import typer

from lms.cli.command import command, group
from lms.cli.session import Session
from lms.errors import DaemonUnreachable, Unsupported

app = group(
    "daemon",
    "The service behind all other commands. Most of them start it when it is not there.",
    examples=[("lms daemon up", "start it now"), ("lms daemon down", "unload everything and stop it")],
)


def register(root: typer.Typer, section: str) -> None:
    root.add_typer(app, rich_help_panel=section)


@command(app, "up", examples=[("lms daemon up --json", "start it, and print its pid and version")])
def up(session: Session) -> None:
    """Start the daemon if it is not running."""
    started = []
    daemon = session.ensure(session.home, lambda: started.append(True))
    status = daemon.status()
    if session.output.as_json:
        session.output.json({"status": "running", "pid": status.pid, "isDaemon": True, "version": status.version})
        return
    verb = "has started" if started else "is already running"
    session.output.say(f"The lms daemon {verb} (PID: {status.pid}).")


@command(app, "down", examples=[("lms daemon down", "end the daemon, the server and all models")])
def down(session: Session) -> None:
    """Unload all models, stop the server and end the daemon. Fails when it is not running."""
    try:
        session.running_daemon().shutdown()
    except DaemonUnreachable as error:
        raise DaemonUnreachable("The lms daemon is not running.", hint="There is nothing to stop.") from error
    if session.output.as_json:
        session.output.json({"status": "not-running"})
    else:
        session.output.say("The lms daemon has stopped.")


@command(app, "status", examples=[("lms daemon status --json", '{"status":"running","pid":4711,"isDaemon":true}')])
def status(session: Session) -> None:
    """Say whether the daemon runs. Never starts it, and ends with 0 either way."""
    try:
        found = session.running_daemon().status()
    except DaemonUnreachable:
        if session.output.as_json:
            session.output.json({"status": "not-running"})
        else:
            session.output.data("The lms daemon is not running.")
        return
    if session.output.as_json:
        session.output.json({"status": "running", "pid": found.pid, "isDaemon": True})
    else:
        session.output.data(f"lms v{found.version} is running (PID: {found.pid}).")


@command(app, "update", examples=[("lms daemon update", "pip, pipx or uv: whatever has installed it upgrades it")])
def update(session: Session) -> None:
    """Say how to upgrade this installation. What installed it has to do that, so nothing is done and it ends with 1."""
    from lms.cli.upgrade import words

    hint = f"Run: lms daemon down; {words()}; lms daemon up"
    raise Unsupported("lms does not upgrade itself.", hint=hint)
