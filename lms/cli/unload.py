"""`lms unload`: free the memory of one loaded model, or of all."""

from contextlib import suppress
from typing import Annotated

import typer

from lms.cli import units
from lms.cli.command import command
from lms.cli.picker import pick
from lms.cli.session import Daemon, Session
from lms.errors import ModelNotFound, UsageError

Identifier = Annotated[str | None, typer.Argument(metavar="identifier", help="As lms ps shows it, exactly.")]
All = Annotated[bool, typer.Option("--all", "-a", help="Unload every model.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms unload", "the only loaded model, or the one you choose"),
        ("lms unload qwen3-4b:2", "the one with this identifier"),
        ("lms unload --all", "every one"),
    ]
    command(root, "unload", section=section, remote=True, examples=examples)(unload)


def unload(session: Session, identifier: Identifier = None, all_: All = False) -> None:
    """Unload a model. Without an identifier: the only one that is loaded."""
    if all_ and identifier is not None:
        raise UsageError("Give an identifier or --all, not both.")
    daemon = session.daemon()
    if all_:
        unloaded = _unload_all(session, daemon)
    else:
        unloaded = [identifier if identifier is not None else _only(session, daemon)]
        daemon.unload(unloaded[0])
        session.output.say(f"Unloaded {unloaded[0]}.")
    if session.output.as_json:
        session.output.json({"unloaded": unloaded})


def _unload_all(session: Session, daemon: Daemon) -> list[str]:
    unloaded = []
    for row in daemon.instances():
        with suppress(ModelNotFound):  # it may go by itself while we work through the list
            daemon.unload(row.identifier)
            session.output.say(f"Unloaded {row.identifier}.")
            unloaded.append(row.identifier)
    total = units.count(len(unloaded), "model")
    session.output.say(f"{total} unloaded." if unloaded else "No models are loaded, there is nothing to unload.")
    return unloaded


def _only(session: Session, daemon: Daemon) -> str:
    loaded = [row.identifier for row in daemon.instances()]
    if not loaded:
        raise ModelNotFound("No models are loaded, there is nothing to unload.", hint="lms load loads one.")
    if len(loaded) == 1:
        return loaded[0]
    return pick(session, "Several models are loaded. Unload which?", loaded, "Say which one, or --all.")
