"""What is compared: scenarios with their aims, and what the runs of one on two servers say. Pure."""

import statistics
from dataclasses import dataclass
from typing import Literal

from tools.bench.servers import Setup
from tools.bench.workloads import Figures, Workload

Unit = Literal["tok/s", "req/s", "s", "ms", "×", "tokens"]
SCALE: dict[Unit, float] = {"ms": 1000.0}


@dataclass(frozen=True)
class Metric:
    """One figure of a scenario, and what it should be: `ratio` times better than the other's, or ours at most `most`
    (in the figure's own unit). Neither: it is shown only."""

    name: str
    unit: Unit
    more_is_better: bool = False
    ratio: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Scenario:
    """Ours, with or without speculation, against the peer, or against ours without."""

    name: str
    setup: Setup
    workload: Workload
    metrics: tuple[Metric, ...]
    speculation: bool = False
    against: Literal["peer", "ours without"] = "peer"


@dataclass(frozen=True)
class Run:
    """One run of a workload: its figures, and the processor time that the server took."""

    figures: Figures
    cpu_s: float


@dataclass(frozen=True)
class Outcome:
    """The runs of one scenario, those of one place of the two lists made one after the other. No `other`: no peer.
    `failure` says why there are no runs at all."""

    scenario: Scenario
    ours: tuple[Run, ...] = ()
    other: tuple[Run, ...] = ()
    failure: str = ""

    def rows(self) -> "list[Row]":
        """One for each metric; none after a failure."""
        if self.failure:
            return []
        return [
            Row(
                self.scenario,
                metric,
                tuple(run.figures[metric.name] for run in self.ours),
                tuple(run.figures[metric.name] for run in self.other),
            )
            for metric in self.scenario.metrics
        ]

    @property
    def cpu_ratio(self) -> float | None:
        """Processor time of the other over ours: what the ratios would be if nobody waited."""
        ratios = [other.cpu_s / ours.cpu_s for ours, other in zip(self.ours, self.other, strict=False) if ours.cpu_s]
        return statistics.median(ratios) if ratios else None


@dataclass(frozen=True)
class Row:
    """One metric of one scenario, the values of all runs."""

    scenario: Scenario
    metric: Metric
    ours: tuple[float, ...]
    other: tuple[float, ...]

    @property
    def ratio(self) -> float | None:
        """How many times better ours is: the median of what each pair of runs says, so that what slows the machine for
        a while counts for both. None for what is only held against a limit."""
        if self.metric.most is not None:
            return None
        pairs = zip(self.ours, self.other, strict=False)
        ratios = [ours / other if self.metric.more_is_better else other / ours for ours, other in pairs if ours * other]
        return statistics.median(ratios) if ratios else None

    @property
    def holds(self) -> bool | None:
        """Whether the aim is met; None without an aim, or without a peer to hold it against."""
        if self.metric.most is not None:
            return statistics.median(self.ours) * SCALE.get(self.metric.unit, 1.0) <= self.metric.most
        if self.metric.ratio is None or self.ratio is None:
            return None
        return self.ratio >= self.metric.ratio
