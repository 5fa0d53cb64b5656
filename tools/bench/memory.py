"""What the processes of one installation hold, over time."""

import statistics
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import psutil

from lms.client.control import DaemonStatus, InstanceRow
from tools.bench.figures import kind_of

SETTLED_S = 120.0
WINDOW_S = 30.0
MOST_GROWTH = 0.05
MB = 1e6


class Daemon(Protocol):
    """What is asked of the daemon (`lms.client.DaemonClient`)."""

    def status(self) -> DaemonStatus: ...
    def instances(self) -> list[InstanceRow]: ...


@dataclass(frozen=True)
class Holding:
    """One process, in megabytes (base 1000). `own_mb` counts pages that it shares with n others as an n-th; where the
    system does not say, it is as the resident ones."""

    pid: int
    resident_mb: float
    own_mb: float


@dataclass(frozen=True)
class Sample:
    """`elapsed_s` after the start. Processes by a name that stays: `daemon`, `front`, `engine IDENTIFIER`."""

    elapsed_s: float
    processes: dict[str, Holding]

    @property
    def resident_mb(self) -> float:
        return sum(one.resident_mb for one in self.processes.values())

    @property
    def own_mb(self) -> float:
        return sum(one.own_mb for one in self.processes.values())


@dataclass(frozen=True)
class Verdict:
    """Growth of each process and of all (`total`) since things had settled, 0.05 for a twentieth. `replaced` are
    processes that were not the same at the end."""

    growth: dict[str, float]
    replaced: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.replaced and self.growth["total"] <= MOST_GROWTH


def sample(daemon: Daemon, elapsed_s: float, identifiers: Collection[str]) -> Sample:
    """The daemon, the front, and the engines of `identifiers`; others come and go, and do not count."""
    engines = {row.pid: row.identifier for row in daemon.instances() if row.identifier in identifiers}
    return Sample(elapsed_s, dict(_holdings(psutil.Process(daemon.status().pid), engines)))


def judge(samples: Sequence[Sample], duration_s: float) -> Verdict:
    """Compares a window after the settling with one at the end, by the medians. A short run settles in half its time.

    Raises ValueError when there are no samples to compare.
    """
    settled_s = min(SETTLED_S, duration_s / 2)
    window_s = min(WINDOW_S, duration_s / 4)
    first = [one for one in samples if settled_s <= one.elapsed_s < settled_s + window_s]
    last = [one for one in samples if one.elapsed_s >= duration_s - window_s]
    if not first or not last:
        raise ValueError("There are too few samples to compare.")
    growth = {name: _growth(first, last, name) for name in first[0].processes if name in last[-1].processes}
    growth["total"] = statistics.median(map(_total, last)) / statistics.median(map(_total, first)) - 1
    return Verdict(growth, _replaced(first[0], last[-1]))


def _total(one: Sample) -> float:
    return one.resident_mb


def _growth(first: Sequence[Sample], last: Sequence[Sample], name: str) -> float:
    before, after = (
        statistics.median(one.processes[name].resident_mb for one in window if name in one.processes)
        for window in (first, last)
    )
    return after / before - 1


def _replaced(first: Sample, last: Sample) -> tuple[str, ...]:
    now = {name: one.pid for name, one in last.processes.items()}
    return tuple(name for name, one in first.processes.items() if now.get(name) != one.pid)


def _holdings(daemon: psutil.Process, engines: dict[int | None, str]) -> Iterator[tuple[str, Holding]]:
    """Of daemon and front, each a gunicorn master and its worker, the master comes first."""
    seen: set[str] = set()
    for process in [daemon, *daemon.children(recursive=True)]:
        try:
            name = kind_of(process)
            if name == "engine":
                if process.pid not in engines:
                    continue
                name = f"engine {engines[process.pid]}"
            yield f"{name} worker" if name in seen else name, _holding(process)
            seen.add(name)
        except psutil.NoSuchProcess:
            continue


def _holding(process: psutil.Process) -> Holding:
    full = process.memory_full_info()
    return Holding(process.pid, full.rss / MB, getattr(full, "pss", full.rss) / MB)
