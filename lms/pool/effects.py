"""What the pool's state wants done. The loop in `pool.py` does it, in the order given."""

from dataclasses import dataclass

from lms.client.control import InstanceRow, Lease, LeaseProgress, LoadDone, LoadProgress
from lms.errors import LmsError
from lms.logbus.records import Level
from lms.pool.desired import Desired
from lms.pool.instance import Plan, Ticket


@dataclass(frozen=True)
class Start:
    """Start an engine for `plan`; report about it under `number`."""

    number: int
    plan: Plan


@dataclass(frozen=True)
class Stop:
    """End that engine. Its exit is reported like any other."""

    number: int


@dataclass(frozen=True)
class Tell:
    """News for somebody who goes on waiting."""

    ticket: Ticket
    news: LoadProgress | LeaseProgress


@dataclass(frozen=True)
class Grant:
    """The answer. None tells a lease that no such model is loaded and that the catalog must be asked."""

    ticket: Ticket
    answer: Lease | LoadDone | InstanceRow | None


@dataclass(frozen=True)
class Refuse:
    ticket: Ticket
    error: LmsError


@dataclass(frozen=True)
class Publish:
    """Say something about an instance in the log."""

    plan: Plan
    level: Level
    message: str
    pid: int | None = None


@dataclass(frozen=True)
class Save:
    """Write down what should be loaded."""

    models: tuple[Desired, ...]


Effect = Start | Stop | Tell | Grant | Refuse | Publish | Save
