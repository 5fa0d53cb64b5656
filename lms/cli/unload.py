"""`lms unload`: free the memory of one loaded model, or of all."""

from typing import Annotated

import typer

from lms.cli import units
from lms.cli.command import command
from lms.cli.picker import pick
from lms.cli.session import Daemon, Session
from lms.errors import LmsError, ModelNotFound, UsageError

Identifier = Annotated[str | None, typer.Argument(metavar="identifier", help="As lms ps shows it, exactly.")]
All = Annotated[bool, typer.Option("--all", "-a", help="Unload every model.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms unload", "the only loaded model, or the one you choose"),
        ("lms unload qwen3-4b:2", "the one with this identifier"),
        ("lms unload --all", "every one"),
    ]
    command(root, "unload", section=section, examples=examples)(unload)


def unload(session: Session, identifier: Identifier = None, all_: All = False) -> None:
    """Unload a model. Without an identifier: the only one that is loaded."""
    if all_ and identifier is not None:
        raise UsageError("Give an identifier or --all, not both.")
    daemon = session.daemon()
    chosen = _all(daemon) if all_ else [identifier or _only(session, daemon)]
    unloaded = []
    for name in chosen:
        try:
            unloaded.append(daemon.unload(name))
        except ModelNotFound as error:
            if all_:
                continue  # it went by itself, while we worked through the list
            hint = error.hint or "lms ps shows what is loaded."
            raise ModelNotFound(error.message, hint=hint, candidates=error.candidates) from error
        session.output.say(f"Unloaded {name}.")
    if session.output.as_json:
        session.output.json({"unloaded": [row.identifier for row in unloaded]})
    elif all_:
        total = units.count(len(unloaded), "model")
        session.output.say(f"{total} unloaded." if unloaded else "No models are loaded, there is nothing to unload.")


def _all(daemon: Daemon) -> list[str]:
    return [row.identifier for row in daemon.instances()]


def _only(session: Session, daemon: Daemon) -> str:
    loaded = _all(daemon)
    if not loaded:
        raise LmsError("No models are loaded, there is nothing to unload.", hint="lms load loads one.")
    if len(loaded) == 1:
        return loaded[0]
    return pick(session, "Several models are loaded. Unload which?", loaded, "Say which one, or --all.")
