"""`lms ps`: what is loaded, and how it fares."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from lms.cli import shapes, units
from lms.cli.command import command
from lms.cli.output import Cell, Styled, Table
from lms.cli.session import Daemon, Session

if TYPE_CHECKING:
    from lms.client.control import InstanceRow, Pace

# Left out first where a terminal is narrow.
SPARE = ("DEVICE", "PARALLEL", "SIZE", "PINNED", "TTL", "USED")

# LM Studio's, then ours: whether it stays when another needs room, requests that wait, and of the answers in work, else
# of the last one, their speed and the tokens of context that the longest takes.
HEADERS = (
    "IDENTIFIER", "MODEL", "STATUS", "SIZE", "CONTEXT", "PARALLEL", "DEVICE", "TTL",
    "PINNED", "QUEUED", "TOK/S", "USED",
)  # fmt: skip


def register(root: typer.Typer, section: str) -> None:
    examples = [("lms ps", "what is loaded, busy or idle, and how fast"), ("lms ps --json", "the same for programs")]
    command(root, "ps", section=section, remote=True, examples=examples)(ps)


def ps(session: Session) -> None:
    """List the loaded models.

    TOK/S is what a model writes just now, USED the tokens of context of its longest answer; of the last one when idle.
    """
    daemon = session.daemon()
    rows = daemon.instances()
    if session.output.as_json:
        session.output.json(shapes.paced(rows, paces(daemon)))
    elif not rows:
        session.output.hint("No models are loaded. Load one with, for example: lms load tiny-chat")
    else:
        session.output.data("")
        session.output.table(table(rows, paces(daemon)))
        session.output.data("")


def paces(daemon: Daemon) -> "dict[str, Pace]":
    """How each model fares, by its identifier. One that has answered nothing yet is not there."""
    return {pace.identifier: pace for pace in daemon.paces()}


def table(rows: "Sequence[InstanceRow]", paces: "Mapping[str, Pace]") -> Table:
    """The loaded models by their identifiers."""
    ordered = sorted(rows, key=lambda row: row.identifier)
    return Table(HEADERS, tuple(_cells(row, paces.get(row.identifier)) for row in ordered), SPARE)


def _cells(row: "InstanceRow", pace: "Pace | None") -> tuple[Cell, ...]:
    """Context and parallel are the engine's to say, and it has not while it loads."""
    loading = row.state == "loading"
    speed, used = (pace.tokens_per_second, pace.context_tokens) if pace else (None, None)
    return (
        row.identifier,
        row.model.key,
        Styled(row.state.upper(), "" if row.state == "idle" else "green"),
        units.disk(row.model.size_bytes),
        "-" if loading else str(row.context_length),
        "-" if loading or row.model.kind == "embedding" else str(row.parallel),
        "Local",
        _ttl(row),
        "yes" if row.pinned else "",
        str(row.queued),
        f"{speed:.1f}" if speed else "-",
        str(used) if used else "-",
    )


def _ttl(row: "InstanceRow") -> str:
    """`58m / 1h`: what remains, and the whole. It starts to run when the model is idle after its first use."""
    if row.ttl_s is None:
        return ""
    remaining_s = row.ttl_s if row.remaining_ttl_s is None else max(0.0, row.remaining_ttl_s)
    return f"{units.short(remaining_s)} / {units.short(row.ttl_s)}"
