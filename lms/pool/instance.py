"""One loaded model as the pool sees it: what was asked for, what its engine has reported, who waits for it."""

from dataclasses import dataclass, field
from enum import Enum

import msgspec

from lms.client.control import InstanceRow, Lease
from lms.config.load import LoadConfig
from lms.engine.protocol import Activity, Ready
from lms.generation.request import DraftModel, Sampling
from lms.pool.drafts import Draft
from lms.pool.known import Known

RESERVATION_S = 10.0

Ticket = int
"""Names somebody who waits for an answer."""

UNASKED = LoadConfig()
IDLE = Activity("idle", running=0, queued=0, served=0)


class Phase(Enum):
    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"


@dataclass(frozen=True)
class Plan:
    """What to load. `ttl_s` None means never to unload it for being idle; `jit` that a request asked for it; `pinned`
    that it makes room for no other model; `sampling` what is set for the model, over what its maker recommends.

    `need_bytes` is the memory it will take, that of its `draft` model included; of it, `prompt_cache_bytes` may go to
    finished prompts. `cells` are the tokens of memory that its sequences share, if it is `unified`; one of them has a
    context of `context_length`.
    """

    known: Known
    identifier: str
    config: LoadConfig = field(default_factory=LoadConfig)
    ttl_s: float | None = None
    jit: bool = False
    need_bytes: int = 0
    unified: bool = True
    cells: int = 0
    prompt_cache_bytes: int = 0
    draft: Draft | None = None
    context_length: int = 0
    pinned: bool = False
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def key(self) -> str:
        return self.known.row.key

    @property
    def embedding(self) -> bool:
        return self.known.row.kind == "embedding"

    def differs_from(self, other: "Plan") -> str:
        """What an instance loaded as `other` lacks to be what this plan asks for; empty if nothing."""
        if self.known.file != other.known.file:
            return f"and is {other.key}"
        if self.identifier not in ("", other.identifier):
            return f"not as “{self.identifier}”"
        mine, theirs = (msgspec.structs.asdict(plan.config) for plan in (self, other))
        if self.context_length == other.context_length:
            mine.pop("context_length")
        asked = (name for name, value in mine.items() if value != getattr(UNASKED, name))
        differing = next((name for name in asked if mine[name] != theirs[name]), None)
        return f"with another {differing}" if differing else ""

    def beyond(self, draft: Draft | None) -> int:
        """The bytes that another draft model needs which takes the place of the planned one: there is one at a time."""
        planned_bytes = self.draft.need_bytes if self.draft else 0
        return max(0, draft.need_bytes - planned_bytes) if draft else 0


@dataclass
class Instance:
    """Owned and changed by `PoolState` only. Times are seconds of its clock.

    waits_for: numbers of the instances that must be gone before its engine is started
    leases, loaders, unloaders: who waits for it to be ready (loaders hear of progress too), or gone
    watchers: those of the leases who hear of progress too
    reservations: deadlines of granted leases whose request the engine has not reported yet, oldest first
    wanted: whether a daemon that comes back loads it again
    ready_s: when it was ready, once it is
    draft: the draft model that a request brought along last
    draft_models: what the leases that are waited for name as theirs
    taken_bytes: what its process has taken of the machine's free memory, when that was last looked at
    evicted: identifiers of those that made room for it
    """

    number: int
    plan: Plan
    last_used_s: float
    phase: Phase = Phase.LOADING
    spawned: bool = False
    waits_for: set[int] = field(default_factory=set)
    progress: float = 0.0
    ready: Ready | None = None
    activity: Activity = IDLE
    used: bool = False
    reservations: list[float] = field(default_factory=list)
    leases: list[Ticket] = field(default_factory=list)
    loaders: list[Ticket] = field(default_factory=list)
    unloaders: list[Ticket] = field(default_factory=list)
    watchers: list[Ticket] = field(default_factory=list)
    wanted: bool = False
    ready_s: float = 0.0
    pid: int | None = None
    taken_bytes: int = 0
    draft: Draft | None = None
    draft_models: dict[Ticket, DraftModel] = field(default_factory=dict)
    evicted: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        return self.plan.identifier

    @property
    def alive(self) -> bool:
        return self.phase is not Phase.STOPPING

    @property
    def busy(self) -> bool:
        """A model at work, still loading, or with a request on its way is never idle."""
        return (
            self.phase is Phase.LOADING
            or bool(self.reservations)
            or self.activity.state != "idle"
            or self.activity.running + self.activity.queued > 0
        )

    @property
    def evictable(self) -> bool:
        """Whether it may be unloaded to make room."""
        return self.alive and not self.busy and not self.plan.pinned

    @property
    def context_length(self) -> int:
        """As its engine says or, before, as was planned."""
        return self.ready.context_length if self.ready else self.plan.context_length

    @property
    def load(self) -> tuple[bool, int]:
        """How soon it would come to a new request: less is sooner."""
        return self.phase is Phase.LOADING, self.activity.running + self.activity.queued + len(self.reservations)

    @property
    def held_bytes(self) -> int:
        """What it takes, as its engine measured or, before, as was estimated."""
        own = self.ready.memory_bytes if self.ready and self.ready.memory_bytes else self.plan.need_bytes
        return own + self.draft_bytes

    @property
    def claimed_bytes(self) -> int:
        """What it takes of a budget: as much as was planned for it, or more if its engine measured more."""
        measured = self.ready.memory_bytes if self.ready else 0
        return max(self.plan.need_bytes, measured) + self.draft_bytes

    @property
    def draft_bytes(self) -> int:
        """What the draft model that a request brought along takes beyond the plan."""
        return self.plan.beyond(self.draft)

    @property
    def missing_bytes(self) -> int:
        """What it is about to take of what is free now."""
        needed = self.plan.need_bytes + self.draft_bytes
        return max(0, needed - self.taken_bytes) if self.phase is Phase.LOADING else 0

    @property
    def idle_deadline_s(self) -> float | None:
        """When it will have been idle for its TTL, None while it is busy or has none."""
        if self.plan.ttl_s is None or self.busy or not self.alive:
            return None
        return self.last_used_s + self.plan.ttl_s

    def grant(self, ticket: Ticket, socket_path: str, now_s: float) -> Lease:
        """One more lease, for the holder of `ticket`. The engine must be ready."""
        assert self.ready is not None
        self.used = True
        self.last_used_s = now_s
        self.reservations.append(now_s + RESERVATION_S)
        return Lease(
            identifier=self.identifier,
            socket_path=socket_path,
            model=self.plan.known.row,
            context_length=self.ready.context_length,
            runtime=self.ready.runtime,
            load_time_s=self.ready.load_time_s,
            sampling=self.plan.sampling.over(self.ready.sampling),
            overflow=self.plan.config.overflow,
            draft_model=self.draft_models.pop(ticket, None),
        )

    def observe(self, activity: Activity, now_s: float) -> None:
        """Take in what the engine does. Requests that arrived there need their reservation no longer."""
        arrived = max(0, activity.served - self.activity.served)
        del self.reservations[:arrived]
        self.activity = activity
        self.used = self.used or activity.served > 0
        self.last_used_s = now_s

    def row(self, now_s: float, unix_ms: int) -> InstanceRow:
        """How it is shown; `unix_ms` is the wall clock's name for `now_s`."""
        ttl_s, deadline_s = self.plan.ttl_s, self.idle_deadline_s
        remaining_s = ttl_s if deadline_s is None else max(0.0, deadline_s - now_s)
        return InstanceRow(
            identifier=self.identifier,
            model=self.plan.known.row,
            state="loading" if self.phase is Phase.LOADING else self.activity.state,
            context_length=self.context_length,
            parallel=self.ready.parallel if self.ready else self.plan.config.parallel or 0,
            running=self.activity.running,
            queued=self.activity.queued,
            ttl_s=ttl_s,
            remaining_ttl_s=remaining_s,
            last_used_ms=unix_ms - round((now_s - self.last_used_s) * 1000) if self.used else None,
            memory_bytes=self.held_bytes,
            pid=self.pid,
            jit=self.plan.jit,
            config=self.plan.config,
            pinned=self.plan.pinned,
        )
