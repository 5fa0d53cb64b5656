"""`lms service install | uninstall | status`: the daemon as a service of the system, on from boot without a login."""

import getpass
import os
import pwd
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli.command import command, group
from lms.cli.session import Session
from lms.errors import DaemonUnreachable, ServiceFailed, UsageError
from lms.paths import Home

if TYPE_CHECKING:
    from lms.cli.service_files import Service
    from lms.cli.service_managers import Manager

START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 30.0
_POLL_S = 0.1

# What the daemon heeds of the environment, apart from what begins with LMS_; MCP servers are looked for on the PATH.
KEPT = (
    "PATH", "HF_ENDPOINT", "HF_HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip

app = group(
    "service",
    "Have the system run the daemon. From boot on, without a login, and again after a crash.",
    examples=[
        ("lms service install", "for you alone, no root needed"),
        ("lms server start", "once: it is on again after every restart, and so is what you load"),
    ],
)

System = Annotated[bool, typer.Option("--system", help="A service of the whole system; needs root.")]
Print = Annotated[bool, typer.Option("--print", help="Only print the systemd unit, or on macOS the property list.")]
User = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="With --system: whom it runs as. Default: who called sudo.")
]


def register(root: typer.Typer, section: str) -> None:
    root.add_typer(app, rich_help_panel=section)


@command(
    app,
    "install",
    examples=[
        ("lms service install", "a service of yours, which also runs while you are not logged in"),
        ("sudo lms service install --system --user ai", "one of the system, run as the user ai"),
        ("lms service install --print", "what the system would be told"),
    ],
)
def install(session: Session, system: System = False, print_: Print = False, user: User = None) -> None:
    """Install the service and start it. It takes over what the daemon has loaded; doing it again renews it."""
    if user and not system:
        raise UsageError("--user goes with --system: a service of your own runs as you.")
    account = _account(user or session.environ.get("SUDO_USER") or getpass.getuser()) if system else None
    home = _home(session, account)
    chosen, service = _manager(session, system), _service(home, session.environ, account)
    if print_:
        _print(session, chosen, service)
        return
    chosen.install(service)
    _end_daemon(session, home)
    chosen.start()
    _wait_for_answer(session, home)
    _report(session)
    if not session.output.as_json:
        session.output.hint("lms server start and lms load say what it runs: both outlast a restart of the machine.")


@command(app, "uninstall", examples=[("lms service uninstall", "stop it; models and settings stay")])
def uninstall(session: Session, system: System = False) -> None:
    """Stop the service and remove it. Fails when it is not installed."""
    chosen = _manager(session, system)
    if not chosen.path.exists():
        raise ServiceFailed(
            f"No service is installed: there is no {chosen.path}.", hint="lms service status says more."
        )
    remove(session, chosen)
    if session.output.as_json:
        session.output.json({"installed": False})
    else:
        session.output.say("The service is uninstalled.")


@command(app, "status", examples=[("lms service status", "is it installed, and does it run")])
def status(session: Session) -> None:
    """Say whether the service is installed and runs. Ends with 0 either way."""
    _report(session, data=True)


def remove(session: Session, installed: "Manager") -> None:
    """Uninstall it; that nothing could be stopped, as nothing runs here, is said. Raises ServiceFailed."""
    if not installed.uninstall():
        session.output.warn(
            f"systemd does not run here, so there was nothing to stop: only {installed.path} is removed."
        )


def _manager(session: Session, system: bool) -> "Manager":
    from lms.cli.service_managers import manager

    return manager(sys.platform, session.environ, system=system)


def _account(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError as error:
        raise UsageError(f"This system has no user “{name}”.") from error


def _home(session: Session, account: pwd.struct_passwd | None) -> Home:
    """The home of whom the service runs as: root's, for one, is not the one that is meant."""
    if account is None or session.environ.get("LMS_HOME") or account.pw_uid == os.getuid():
        return session.home
    return Home(Path(account.pw_dir) / ".lms")


def _service(home: Home, environ: Mapping[str, str], account: pwd.struct_passwd | None) -> "Service":
    from lms.cli.service_files import Service
    from lms.client.launch import COMMAND, daemon_environment

    kept = {name: value for name, value in environ.items() if name.startswith("LMS_") or name in KEPT}
    return Service(COMMAND, daemon_environment(home, kept), home.daemon_log, account.pw_name if account else None)


def _print(session: Session, chosen: "Manager", service: "Service") -> None:
    text = chosen.text(service)
    if session.output.as_json:
        session.output.json({"path": str(chosen.path), "text": text})
    else:
        session.output.data(text.rstrip("\n"))
        session.output.hint(f"It belongs into {chosen.path}.")


def _end_daemon(session: Session, home: Home) -> None:
    """By a signal, which keeps what is loaded for the next daemon, the service's."""
    from lms.client.client import is_locked

    try:
        running = session.client(home).status()
    except DaemonUnreachable:
        return
    os.kill(running.pid, signal.SIGTERM)
    deadline_s = time.monotonic() + END_TIMEOUT_S
    while is_locked(home.lock):
        if time.monotonic() > deadline_s:
            raise ServiceFailed(f"The daemon (PID: {running.pid}) has not made room within {END_TIMEOUT_S:.0f} s.")
        time.sleep(_POLL_S)


def _wait_for_answer(session: Session, home: Home) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            session.client(home).status()
            return
        except DaemonUnreachable as error:
            if time.monotonic() > deadline_s:
                raise ServiceFailed(
                    f"The service is installed, but has not answered within {START_TIMEOUT_S:.0f} s.",
                    hint="systemctl status lms, with --user for your own service, or the daemon's log say why.",
                ) from error
        time.sleep(_POLL_S)


def _report(session: Session, data: bool = False) -> None:
    """On stdout if it was asked for, else as talk."""
    both = [(system, _manager(session, system)) for system in (False, True)]
    installed = [(system, each) for system, each in both if each.path.exists()]
    if session.output.as_json:
        rows = [
            {"system": system, "path": str(each.path), "running": each.runs(), "startsAtBoot": each.starts_at_boot()}
            for system, each in installed
        ]
        session.output.json({"installed": bool(rows), "services": rows})
        return
    write = session.output.data if data else session.output.say
    for system, each in installed:
        whose = "The system's service" if system else "Your service"
        runs = "runs" if each.runs() else "does not run"
        starts = "starts at boot" if each.starts_at_boot() else "does not start at boot"
        write(f"{whose} {runs} and {starts} ({each.path}).")
    if not installed:
        write("No service is installed.")
