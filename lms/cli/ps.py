"""`lms ps`: what is loaded."""

from typing import TYPE_CHECKING

import typer

from lms.cli import shapes, units
from lms.cli.command import command
from lms.cli.output import Cell, Styled, Table
from lms.cli.session import Session

if TYPE_CHECKING:
    from lms.client.control import InstanceRow

HEADERS = ("IDENTIFIER", "MODEL", "STATUS", "SIZE", "CONTEXT", "PARALLEL", "DEVICE", "TTL")


def register(root: typer.Typer, section: str) -> None:
    examples = [("lms ps", "what is loaded, busy or idle"), ("lms ps --json", "the same for programs")]
    command(root, "ps", section=section, examples=examples)(ps)


def ps(session: Session) -> None:
    """List the loaded models."""
    rows = session.daemon().instances()
    if session.output.as_json:
        session.output.json(shapes.instances(rows))
    elif not rows:
        session.output.hint("No models are loaded. Load one with, for example: lms load tiny-chat")
    else:
        session.output.data("")
        session.output.table(Table(HEADERS, tuple(_cells(row) for row in sorted(rows, key=lambda row: row.identifier))))
        session.output.data("")


def _cells(row: "InstanceRow") -> tuple[Cell, ...]:
    """Context and parallel are the engine's to say, and it has not while it loads."""
    loading = row.state == "loading"
    return (
        row.identifier,
        row.model.key,
        Styled(row.state.upper(), "" if row.state == "idle" else "green"),
        units.disk(row.model.size_bytes),
        "-" if loading else str(row.context_length),
        "-" if loading or row.model.kind == "embedding" else str(row.parallel),
        "Local",
        _ttl(row),
    )


def _ttl(row: "InstanceRow") -> str:
    """`58m / 1h`: what remains, and the whole. It starts to run when the model is idle after its first use."""
    if row.ttl_s is None:
        return ""
    remaining_s = row.ttl_s if row.remaining_ttl_s is None else max(0.0, row.remaining_ttl_s)
    return f"{units.short(remaining_s)} / {units.short(row.ttl_s)}"
