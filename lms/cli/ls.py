"""`lms ls`: what is on disk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli import listing, shapes, units
from lms.cli.command import command
from lms.cli.listing import Entry
from lms.cli.output import Styled
from lms.cli.session import Daemon, Session
from lms.cli.unfinished import mention
from lms.errors import UsageError

if TYPE_CHECKING:
    from lms.client.control import ModelRow

ModelKey = Annotated[str | None, typer.Argument(metavar="model", help="List the variants of this model only.")]
Llm = Annotated[bool, typer.Option("--llm", help="Language models.")]
Embedding = Annotated[bool, typer.Option("--embedding", help="Embedding models.")]
Variants = Annotated[bool, typer.Option("--variants", help="Show every variant of every model.")]
Detailed = Annotated[bool, typer.Option("--detailed", hidden=True)]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms ls", "every model on disk, bundled ones included"),
        ("lms ls --llm --json", "language models, for programs"),
        ("lms ls qwen3-4b", "its variants: the quantizations on disk"),
    ]
    command(root, "ls", section=section, remote=True, examples=examples)(ls)


def ls(
    session: Session,
    model: ModelKey = None,
    llm: Llm = False,
    embedding: Embedding = False,
    variants: Variants = False,
    detailed: Detailed = False,
) -> None:
    """List the models on disk, or the variants of one."""
    if variants and model is not None:
        raise UsageError("Give a model or --variants, not both.")
    if detailed:
        session.output.warn("--detailed has no effect.")
    daemon = session.daemon()
    if model is not None:
        return _one(session, daemon, model)
    rows = daemon.models()
    wanted = [row for row in rows if llm == embedding or embedding == (row.kind == "embedding")]
    if variants:
        return _families(session, daemon, wanted)
    if session.output.as_json:
        return session.output.json([shapes.model(row) for row in wanted])
    mention(session, daemon)
    if not wanted:
        return session.output.data(Styled(_nothing(len(rows)), "red"))
    total = units.disk(sum(row.disk_bytes for row in wanted))
    heading = f"You have {units.count(len(wanted), 'model')}, taking up {total} of disk space."
    return _show(session, daemon, heading, [listing.plain(row) for row in wanted])


def _one(session: Session, daemon: Daemon, typed: str) -> None:
    """The variants of one model. A model that has none is listed itself."""
    row = daemon.resolve(typed)
    variants = _variants(daemon, row)
    if session.output.as_json:
        return session.output.json([shapes.model(each) for each in variants or [row]])
    entries = listing.variant_entries(row, variants) or [listing.plain(row)]
    return _show(session, daemon, f"Listing variants for {row.key.partition('@')[0]}:", entries)


def _families(session: Session, daemon: Daemon, rows: Sequence["ModelRow"]) -> None:
    families = [(row, _variants(daemon, row)) for row in rows]
    if not session.output.as_json:
        entries = [entry for row, variants in families for entry in listing.family(row, variants)]
        return _show(session, daemon, "Models with their variants:", entries)
    shaped = [(shapes.model(row), [shapes.model(each) for each in variants]) for row, variants in families if variants]
    return session.output.json([{"model": model, "variants": variants} for model, variants in shaped])


def _variants(daemon: Daemon, row: "ModelRow") -> list["ModelRow"]:
    """Each under its own key: asked for it, the daemon gives the selected one as the model itself."""
    from msgspec.structs import replace

    return [replace(daemon.resolve(key), key=key, variants=(), selected_variant=None) for key in row.variants]


def _show(session: Session, daemon: Daemon, heading: str, entries: Sequence[Entry]) -> None:
    loaded = listing.loaded_counts(daemon.instances())
    session.output.data(f"\n{heading}\n")
    for table in listing.tables(entries, loaded):
        session.output.table(table)
        session.output.data("")


def _nothing(on_disk: int) -> str:
    if on_disk:
        return f"{units.count(on_disk, 'model')} on disk, none of that type."
    return "There are no models on disk."
