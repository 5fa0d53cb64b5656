"""`lms daemon up | down | status`: the process that owns everything that is loaded."""

import fcntl
import time

import typer

from lms.cli.command import command, group
from lms.cli.session import Session
from lms.errors import DaemonFailed, DaemonUnreachable
from lms.paths import Home

END_TIMEOUT_S = 30.0
_POLL_S = 0.02

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
    _wait_for_end(session.home)
    if session.output.as_json:
        session.output.json({"status": "not-running"})
    else:
        session.output.say("The lms daemon has stopped.")


def _wait_for_end(home: Home) -> None:
    """Until the memory is free and the next `lms daemon up` finds nobody. Raises DaemonFailed after a while."""
    deadline_s = time.monotonic() + END_TIMEOUT_S
    while _holds_lock(home):
        if time.monotonic() > deadline_s:
            raise DaemonFailed(f"The daemon was told to end, and has not after {END_TIMEOUT_S:.0f} s.")
        time.sleep(_POLL_S)


def _holds_lock(home: Home) -> bool:
    """Whether somebody is the daemon: who is holds this lock for life. A daemon that starts just now tries again."""
    try:
        with home.lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


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
