"""`lms uninstall`: takes back what lms has put outside its own package, so that nothing is left behind."""

import shutil
import sys
from typing import Annotated

import typer

from lms.cli.command import command
from lms.cli.confirm import confirm
from lms.cli.session import Session
from lms.config.models_folder import models_dir
from lms.errors import DaemonUnreachable, LmsError, ServiceFailed, UsageError

Home = Annotated[
    bool, typer.Option("--home", help="Delete the folder of lms too: settings, tokens, chats, and models inside it.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms uninstall && pip uninstall lms", "leaves models and settings"),
        ("lms uninstall --home", "asks, and leaves nothing"),
    ]
    command(root, "uninstall", section=section, examples=examples)(uninstall)


def uninstall(session: Session, home: Home = False, yes: Yes = False) -> None:
    """Remove your service and completion, and end the daemon. The program itself is left to what installed it."""
    folder = session.home.root
    if home and not _is_ours(session):
        raise UsageError(f"{folder} is no folder that lms has made.", hint="Delete it yourself, if it is to go.")
    if home and not yes and not confirm(session, _question(session), hint="--yes deletes without asking."):
        raise LmsError("Nothing was removed.")
    removed = [*_service(session), *_daemon(session), *_completions(session)]
    if home:
        shutil.rmtree(folder)
        shutil.rmtree(session.home.run, ignore_errors=True)
        removed.append(str(folder))
    if session.output.as_json:
        session.output.json({"removed": removed})
        return
    session.output.say(f"Removed: {', '.join(removed)}." if removed else "There was nothing to remove.")
    session.output.hint(
        "What installed lms uninstalls it: pip uninstall lms, pipx uninstall lms or uv tool uninstall lms."
    )


def _is_ours(session: Session) -> bool:
    """Whether a daemon has lived there: a mistyped LMS_HOME must not cost somebody a folder."""
    return session.home.lock.exists()


def _question(session: Session) -> str:
    try:
        inside = models_dir(session.home, session.environ).resolve().is_relative_to(session.home.root.resolve())
    except UsageError:  # nobody can tell from broken settings
        inside = True
    return f"Delete {session.home.root}{', models included' if inside else ''}?"


def _service(session: Session) -> list[str]:
    """Raises ServiceFailed when there is one of the system, which is not ours to remove."""
    from lms.cli.service import remove
    from lms.cli.service_managers import manager

    own, of_system = (manager(sys.platform, session.environ, system=system) for system in (False, True))
    if of_system.path.exists():
        raise ServiceFailed(
            f"The whole system has a service ({of_system.path}).", hint="First: sudo lms service uninstall --system"
        )
    if not own.path.exists():
        return []
    remove(session, own)
    return [str(own.path)]


def _daemon(session: Session) -> list[str]:
    try:
        session.running_daemon().shutdown()
    except DaemonUnreachable:
        return []
    return ["the daemon"]


def _completions(session: Session) -> list[str]:
    from lms.cli.shell import shells

    return [f"completion in {shell.start_up}" for shell in shells(session.environ).values() if shell.uninstall()]
