"""`lms top`: what the loaded models do, again and again: `lms ps` with the machine's figures, until Ctrl-C."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli import shapes, units
from lms.cli.command import command
from lms.cli.echo import unechoed
from lms.cli.log import until_stopped
from lms.cli.output import Table
from lms.cli.ps import paces, table
from lms.cli.session import Daemon, Session
from lms.cli.values import whole_number

if TYPE_CHECKING:
    import psutil

    from lms.client.control import InstanceRow, Pace

LONGEST_INTERVAL_S = 3600
DEFAULT_INTERVAL_S = 2


def _interval(typed: str) -> int:
    return whole_number("--interval", typed, 1, LONGEST_INTERVAL_S)


def _times(typed: str) -> int:
    return whole_number("--count", typed, 1, 10**9)


Interval = Annotated[
    int | None, typer.Option("--interval", parser=_interval, metavar="SECONDS", help="Between two looks. Default: 2.")
]
Count = Annotated[
    int | None, typer.Option("--count", "-n", parser=_times, metavar="N", help="Look so often. Default: until Ctrl-C.")
]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms top", "watch what is loaded, every two seconds"),
        ("lms top -n 1 --json", "one look, for a script"),
    ]
    command(root, "top", section=section, examples=examples)(top)


def top(session: Session, interval: Interval = None, count_: Count = None) -> None:
    """Show live what the loaded models do. Their speed, context, queue, memory, processor; Ctrl-C ends it."""
    with until_stopped(session), unechoed(session.stdin), session.output.screen() as show:
        for number, look in enumerate(_looks(session.daemon(), interval or DEFAULT_INTERVAL_S), start=1):
            if session.output.as_json:
                session.output.json(look.shape)
            else:
                show(look.summary, look.table)
            if number == count_:
                return


@dataclass(frozen=True)
class Look:
    """What was there at one moment. `tokens_per_second` is what all models together wrote since the look before."""

    rows: "list[InstanceRow]"
    paces: "Mapping[str, Pace]"
    cpu: dict[str, float]
    tokens_per_second: float
    available_bytes: int

    @property
    def summary(self) -> str:
        requests = sum(row.running for row in self.rows)
        waiting = sum(row.queued for row in self.rows)
        return (
            f"{units.count(len(self.rows), 'model')} · {units.count(requests, 'request')} in work, {waiting} waiting · "
            f"{self.tokens_per_second:.1f} tokens/s · {units.memory(self.available_bytes)} free"
        )

    @property
    def table(self) -> Table:
        """As `lms ps` has it, with what each takes of the machine."""
        plain = table(self.rows, self.paces)
        by_id = {row.identifier: row for row in self.rows}
        rows = tuple((*cells, *self._machine(by_id[str(cells[0])])) for cells in plain.rows)
        return Table((*plain.headers, "MEMORY", "CPU"), rows, (*plain.spare, "MODEL"))

    @property
    def shape(self) -> dict[str, Any]:
        models = [
            shape | {"memoryBytes": row.memory_bytes, "cpuPercent": self.cpu.get(row.identifier, 0.0)}
            for shape, row in zip(shapes.paced(self.rows, self.paces), shapes.in_order(self.rows), strict=True)
        ]
        return {
            "timestamp": time.time_ns() // 1_000_000,
            "tokensPerSecond": self.tokens_per_second,
            "availableMemoryBytes": self.available_bytes,
            "models": models,
        }

    def _machine(self, row: "InstanceRow") -> tuple[str, str]:
        return units.memory(row.memory_bytes), f"{self.cpu.get(row.identifier, 0.0):.0f}%"


def _looks(daemon: Daemon, interval_s: int) -> Iterator[Look]:
    """The first at once, then one each interval."""
    import psutil

    processors, before, before_s = Processors(), 0, time.monotonic()
    for number in count():
        if number:
            time.sleep(interval_s)
        rows, found, now_s = daemon.instances(), paces(daemon), time.monotonic()
        written = sum(pace.tokens for pace in found.values())
        speed = max(0, written - before) / (now_s - before_s) if number else 0.0
        before, before_s = written, now_s
        yield Look(rows, found, processors.shares(rows), speed, int(psutil.virtual_memory().available))


@dataclass
class Processors:
    """What engines take of the processors, in percent of one. A process is known from the second look on."""

    _known: "dict[int, psutil.Process]" = field(default_factory=dict)

    def shares(self, rows: "list[InstanceRow]") -> dict[str, float]:
        """By identifier."""
        import psutil

        shares = {}
        for row in rows:
            try:
                if row.pid is not None:
                    process = self._known.setdefault(row.pid, psutil.Process(row.pid))
                    shares[row.identifier] = process.cpu_percent()
            except psutil.Error:
                continue
        return shares
