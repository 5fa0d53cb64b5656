"""Which models are loaded and who waits for them: events in, effects out. No clock, thread, socket or file.

Every event is a method that takes the time and returns what is to be done. One load serves all requests that want the
model; a second instance of it exists only when somebody loads it by hand again. The one limit: the state believes what
engines report, so a model counts as busy from its lease on until the engine says that the request came, at most
`RESERVATION_S`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lms.client.control import InstanceRow, LeaseProgress, LeaseRequest, LoadDone, LoadProgress
from lms.engine.protocol import Activity, LoadFailed, Loading, Ready, Report
from lms.errors import (
    EngineFailed,
    LmsError,
    ModelNotFound,
    ModelUnloaded,
    NotEnoughMemory,
    from_wire,
)
from lms.logbus.records import Level
from lms.pool import refusals
from lms.pool.desired import Desired
from lms.pool.drafts import Draft
from lms.pool.effects import Effect, Grant, Publish, Refuse, Save, Start, Stop, Tell
from lms.pool.instance import Instance, Phase, Plan, Ticket
from lms.pool.naming import find, numbered
from lms.pool.room import Room, make_room, memory_limits, require_room

# An engine that has lived so long did not die of how it was loaded.
SETTLED_S = 10.0


@dataclass(frozen=True)
class Exit:
    """How an engine ended: a sentence's end such as “was killed by SIGKILL”, and its last words."""

    how: str
    last_words: str = ""


class PoolState:
    """Owned by one thread. `socket_path` names the socket of the engine with a number, counted from `first_number`."""

    def __init__(
        self,
        socket_path: Callable[[int], str],
        jit_max_models: int = 1,
        first_number: int = 1,
        pending: Iterable[Desired] = (),
        budget_bytes: int | None = None,
    ) -> None:
        """`pending` is what an earlier daemon had loaded: it stays written down until `restore` is told of each.
        `budget_bytes` is what all models together may take.
        """
        self._socket_path = socket_path
        self._jit_max_models = jit_max_models
        self._budget_bytes = budget_bytes
        self._next_number = first_number
        self._instances: dict[int, Instance] = {}
        self._fallen: dict[str, Plan] = {}
        self._pending = {model.identifier: model for model in pending}
        self._saved = self.desired()
        self._closed = False
        self._out: list[Effect] = []

    # What can be asked

    def rows(self, now_s: float, unix_ms: int) -> list[InstanceRow]:
        """Everything loaded or loading, in the order of loading."""
        return [instance.row(now_s, unix_ms) for instance in self._instances.values() if instance.alive]

    def plan_of(self, name: str, file: Path | None) -> Plan | None:
        """How the model is loaded, or will be again, that a request means by `name`; `file` as in `naming.find`."""
        instance = find(name, file, self._instances.values())
        return instance.plan if instance else self._fallen_plan(name, file)

    def desired(self) -> tuple[Desired, ...]:
        """What a daemon that comes back should load."""
        plans = [*self._fallen.values(), *(i.plan for i in self._instances.values() if i.wanted and i.alive)]
        loaded = [Desired(plan.key, plan.identifier, plan.ttl_s, plan.config, plan.pinned) for plan in plans]
        return (*self._pending.values(), *loaded)

    def room_for(self, plan: Plan, available_bytes: int | None) -> tuple[Instance, ...]:
        """Who would be unloaded for it. Raises NotEnoughMemory."""
        return self._room(plan, available_bytes).evicted

    @property
    def budget_free_bytes(self) -> int | None:
        """What is left of the budget, None without one."""
        if self._budget_bytes is None:
            return None
        return self._budget_bytes - sum(instance.claimed_bytes for instance in self._instances.values())

    def due_s(self) -> float | None:
        """When `tick` next has something to do."""
        deadlines = [i.idle_deadline_s for i in self._instances.values()]
        reserved = [i.reservations[0] for i in self._instances.values() if i.reservations]
        return min([deadline for deadline in deadlines if deadline is not None] + reserved, default=None)

    def loading(self) -> dict[int, int]:
        """The pids of the engines that load, by their numbers."""
        there = self._instances.values()
        return {i.number: i.pid for i in there if i.phase is Phase.LOADING and i.pid is not None}

    @property
    def empty(self) -> bool:
        """Whether no engine is left."""
        return not self._instances

    # Events: somebody asks

    def lease(
        self,
        ticket: Ticket,
        request: LeaseRequest,
        now_s: float,
        plan: Plan | None = None,
        available_bytes: int | None = None,
        draft: Draft | None = None,
    ) -> list[Effect]:
        """The right to send a request to a model, loaded as in `plan` if need be, with `draft` to guess for it.

        Without a plan a model that is not loaded is answered with None: ask the catalog, and come again. So is an idle
        one that was loaded just in time, and has a shorter context than is asked for: it is loaded again.
        """
        if self._closed:
            return self._done(Refuse(ticket, refusals.closing()))
        file = plan.known.file if plan else None
        instance = self._serving(request, file)
        chosen = instance.plan if instance else self._fallen_plan(request.model, file) or plan
        if chosen is None:
            return self._done(Grant(ticket, None))
        if request.kind != "any" and chosen.embedding != (request.kind == "embedding"):
            return self._done(Refuse(ticket, refusals.wrong_kind(chosen)))
        if request.picture is not None and chosen.known.projector is None:
            return self._done(Refuse(ticket, refusals.sees_nothing(chosen, request.picture)))
        context_length = instance.context_length if instance else chosen.context_length
        if _is_short(context_length, request):
            if instance is None or instance.busy or not instance.plan.jit:
                return self._done(Refuse(ticket, refusals.too_short(chosen, context_length, request)))
            if plan is None:
                return self._done(Grant(ticket, None))
            self._say(instance, "info", f"is loaded again, with a context of {request.context_length} tokens")
            self._stop(instance, ModelUnloaded(f"“{instance.identifier}” was unloaded, to be loaded again."))
            instance, chosen = None, plan
        try:
            instance = instance or self._start(chosen, available_bytes, now_s, draft)
            if draft is not None:
                self._adopt(ticket, instance, draft, available_bytes)
            return self._admit(ticket, request, instance, now_s)
        except NotEnoughMemory as error:
            return self._no_room(ticket, chosen, error)

    def load(
        self,
        ticket: Ticket,
        plan: Plan,
        available_bytes: int | None,
        now_s: float,
        *,
        reuse: bool = False,
        force: bool = False,
    ) -> list[Effect]:
        """One more instance. An empty identifier means the key, numbered when it is taken.

        With `reuse` one that is there is taken over, if it is loaded as it is planned here, and refused if it is not.
        With `force` it is loaded without room for it too, if there is none to be made; nobody goes for it then.
        """
        if self._closed:
            return self._done(Refuse(ticket, refusals.closing()))
        there = self._reusable(plan) if reuse else None
        if there is not None:
            return self._take_over(ticket, there, plan, now_s)
        if plan.identifier and plan.identifier in self._identifiers():
            return self._done(Refuse(ticket, refusals.in_use(plan.identifier)))
        try:
            instance = self._start(plan, available_bytes, now_s)
        except NotEnoughMemory as error:
            if not force:
                return self._no_room(ticket, plan, error)
            instance = self._start(plan, None, now_s)
        instance.loaders.append(ticket)
        return self._done()

    def restore(
        self, ticket: Ticket, wanted: Desired, plan: Plan | LmsError, available_bytes: int | None, now_s: float
    ) -> list[Effect]:
        """What an earlier daemon had loaded comes back. What cannot, for the error instead of a plan or because it is
        refused, is forgotten.
        """
        self._pending.pop(wanted.identifier, None)
        if isinstance(plan, LmsError):
            return self._done(Refuse(ticket, plan))
        effects = self.load(ticket, plan, available_bytes, now_s)
        instance = next((i for i in self._instances.values() if ticket in i.loaders), None)
        if instance is None:
            return [effect for effect in effects if not isinstance(effect, Publish)]  # whoever restores says so
        instance.wanted = True
        return [*effects, *self._done()]

    def unload(self, ticket: Ticket, identifier: str, now_s: float, unix_ms: int) -> list[Effect]:
        """End the instance with exactly that identifier. The answer comes when its engine is gone."""
        instance = next((i for i in self._instances.values() if i.alive and i.identifier == identifier), None)
        if instance is not None:
            self._say(instance, "info", "unloading")
            instance.unloaders.append(ticket)
            self._stop(instance, ModelUnloaded(f"“{identifier}” was unloaded."))
            return self._done()
        fallen = self._fallen.pop(identifier, None)
        if fallen is not None:
            return self._done(Grant(ticket, Instance(0, fallen, now_s, Phase.STOPPING).row(now_s, unix_ms)))
        return self._done(Refuse(ticket, self._not_loaded(identifier)))

    def cancel(self, ticket: Ticket, now_s: float) -> list[Effect]:
        """Nobody waits for that answer any more. A load by hand that is called off goes on if others wait for it."""
        for instance in list(self._instances.values()):
            instance.draft_models.pop(ticket, None)
            for waiting in (instance.leases, instance.watchers, instance.unloaders):
                if ticket in waiting:
                    waiting.remove(ticket)
            if ticket in instance.loaders:
                instance.loaders.remove(ticket)
                if instance.phase is Phase.LOADING and not (instance.wanted or instance.leases or instance.loaders):
                    self._say(instance, "info", "the load was cancelled")
                    self._stop(instance, ModelUnloaded(f"The load of “{instance.identifier}” was cancelled."))
        return self._done()

    # Events: an engine reports

    def spawned(self, number: int, pid: int) -> list[Effect]:
        """The engine's process exists."""
        if number in self._instances:
            self._instances[number].pid = pid
        return []

    def weighed(self, number: int, taken_bytes: int) -> None:
        """What a loading engine has taken so far of the memory that was free."""
        self._instances[number].taken_bytes = taken_bytes

    def reported(self, number: int, report: Report, now_s: float) -> list[Effect]:
        """An engine said something. What a stopping engine says changes nothing."""
        instance = self._instances.get(number)
        if instance is None or not instance.alive:
            return []
        match report:
            case Loading(progress):
                instance.progress = progress
                self._out += [Tell(ticket, LoadProgress(progress)) for ticket in instance.loaders]
                self._out += [Tell(ticket, _progress(instance)) for ticket in instance.watchers]
            case Ready():
                self._ready(instance, report, now_s)
            case LoadFailed(error):
                failure = from_wire(error)
                self._say(instance, "error", str(failure))
                self._stop(instance, failure)
            case Activity():
                instance.observe(report, now_s)
        return self._done()

    def exited(self, number: int, end: Exit, now_s: float, unix_ms: int) -> list[Effect]:
        """An engine is gone, because it was stopped or of itself."""
        instance = self._instances.pop(number, None)
        if instance is None:
            return []
        if instance.alive:
            self._died(instance, end)
        else:
            self._say(instance, "info", "unloaded")
        row = instance.row(now_s, unix_ms)
        self._out += [Grant(ticket, row) for ticket in instance.unloaders]
        self._let_in(number)
        self._raise_again(instance, now_s)
        return self._done()

    # Events: time passes

    def tick(self, now_s: float) -> list[Effect]:
        """Unload what has been idle for its TTL; forget reservations whose request never came."""
        for instance in self._instances.values():
            instance.reservations = [deadline for deadline in instance.reservations if deadline > now_s]
            deadline = instance.idle_deadline_s
            if deadline is not None and deadline <= now_s:
                self._say(instance, "info", f"idle for {instance.plan.ttl_s:g} s: unloading")
                self._stop(instance, ModelUnloaded(f"“{instance.identifier}” was unloaded: it was idle."))
        return self._done()

    def close(self) -> list[Effect]:
        """The daemon ends: every engine stops, and what is written down stays as it is."""
        self._closed = True
        for instance in list(self._instances.values()):
            if instance.alive:
                self._stop(instance, ModelUnloaded(f"“{instance.identifier}” was unloaded: the daemon is stopping."))
        return self._done()

    # How

    def _serving(self, request: LeaseRequest, file: Path | None) -> Instance | None:
        """The instance that is meant, rather one whose context is long enough."""
        there = self._instances.values()
        long = [instance for instance in there if not _is_short(instance.context_length, request)]
        return find(request.model, file, long) or find(request.model, file, there)

    def _admit(self, ticket: Ticket, request: LeaseRequest, instance: Instance, now_s: float) -> list[Effect]:
        if instance.phase is Phase.LOADING:
            instance.leases.append(ticket)
            if not request.watching:
                return self._done()
            instance.watchers.append(ticket)
            return self._done(Tell(ticket, _progress(instance)))
        return self._done(Grant(ticket, instance.grant(ticket, self._socket_path(instance.number), now_s)))

    def _reusable(self, plan: Plan) -> Instance | None:
        """The one of that identifier or, where none is asked for, any of that model."""
        there = self._instances.values()
        return find(plan.identifier, None, there) if plan.identifier else find(plan.key, plan.known.file, there)

    def _take_over(self, ticket: Ticket, instance: Instance, plan: Plan, now_s: float) -> list[Effect]:
        """From now on it is as if it had been loaded by hand: for as long as is asked for, or as long as before."""
        reason = plan.differs_from(instance.plan)
        if reason:
            return self._done(Refuse(ticket, refusals.loaded_otherwise(instance.plan, reason)))
        before = instance.plan
        stays_s = None if before.jit else before.ttl_s
        ttl_s, pinned = plan.ttl_s if plan.ttl_s is not None else stays_s, plan.pinned or before.pinned
        instance.plan = replace(before, jit=False, ttl_s=ttl_s, pinned=pinned)
        instance.last_used_s = now_s
        if instance.ready is None:
            instance.loaders.append(ticket)
            return self._done()
        instance.wanted = True
        return self._done(Grant(ticket, LoadDone(instance.row(now_s, 0), 0.0, reused=True)))

    def _room(self, plan: Plan, available_bytes: int | None) -> Room:
        there = self._instances.values()
        return make_room(plan, there, self._jit_max_models, available_bytes, self._budget_bytes)

    def _no_room(self, ticket: Ticket, plan: Plan, error: NotEnoughMemory) -> list[Effect]:
        named = replace(plan, identifier=plan.identifier or plan.key)
        return self._done(Publish(named, "warn", f"was not loaded: {error.message}", None), Refuse(ticket, error))

    def _adopt(self, ticket: Ticket, instance: Instance, draft: Draft, available_bytes: int | None) -> None:
        """The holder of `ticket` brings along a draft model. Nobody is unloaded for it. Raises NotEnoughMemory."""
        more_bytes = instance.plan.beyond(draft) - instance.draft_bytes
        if available_bytes is not None and more_bytes > 0:
            limits = memory_limits(tuple(self._instances.values()), available_bytes, self._budget_bytes)
            require_room(draft.known.row.key, more_bytes, limits)
        instance.draft = draft
        instance.draft_models[ticket] = draft.model

    def _raise_again(self, instance: Instance, now_s: float) -> None:
        """Load what was loaded by hand again, if its engine died and had done well before. One that dies right after it
        was loaded would do so for ever: it waits until somebody asks for it."""
        plan = self._fallen.get(instance.identifier)
        if plan is not instance.plan or self._closed:
            return
        if now_s - instance.ready_s >= SETTLED_S:
            self._start(plan, None, now_s)
        else:
            self._say(instance, "warn", "died soon after it was loaded: it is loaded again when somebody asks for it")

    def _fallen_plan(self, name: str, file: Path | None) -> Plan | None:
        """A model loaded by hand whose engine died is loaded again as it was, when somebody asks for it."""
        found = find(name, file, [Instance(0, plan, 0.0) for plan in self._fallen.values()])
        return found.plan if found else None

    def _identifiers(self) -> set[str]:
        return {instance.identifier for instance in self._instances.values() if instance.alive}

    def _start(self, plan: Plan, available_bytes: int | None, now_s: float, draft: Draft | None = None) -> Instance:
        """Begin to load as in `plan`. Room is made for `draft` too. Raises NotEnoughMemory."""
        plan = plan if plan.identifier else replace(plan, identifier=numbered(plan.key, self._identifiers()))
        both = replace(plan, need_bytes=plan.need_bytes + plan.beyond(draft))
        room = self._room(both, available_bytes)
        for evicted in room.evicted:
            self._say(evicted, "info", f"makes room for “{plan.identifier}”")
            self._stop(evicted, ModelUnloaded(f"“{evicted.identifier}” was unloaded to make room."))
        risen = self._fallen.pop(plan.identifier, None) is plan
        gone = tuple(evicted.identifier for evicted in room.evicted)
        instance = Instance(
            self._next_number, plan, now_s, waits_for=set(room.waits_for), wanted=risen, draft=draft, evicted=gone
        )
        self._next_number += 1
        self._instances[instance.number] = instance
        self._spawn_if_free(instance)
        return instance

    def _spawn_if_free(self, instance: Instance) -> None:
        if not instance.waits_for and not instance.spawned and instance.alive:
            instance.spawned = True
            self._say(instance, "info", "loading")
            self._out.append(Start(instance.number, instance.plan))

    def _let_in(self, gone: int) -> None:
        for instance in self._instances.values():
            instance.waits_for.discard(gone)
            self._spawn_if_free(instance)

    def _ready(self, instance: Instance, report: Ready, now_s: float) -> None:
        instance.ready, instance.phase = report, Phase.READY
        instance.ready_s = instance.last_used_s = now_s
        instance.wanted = not instance.plan.jit
        self._say(instance, "info", f"ready after {report.load_time_s:.2f} s")
        for warning in report.warnings:
            self._say(instance, "warn", warning)
        path = self._socket_path(instance.number)
        self._out += [Grant(ticket, instance.grant(ticket, path, now_s)) for ticket in instance.leases]
        done = LoadDone(instance.row(now_s, 0), report.load_time_s, report.warnings, evicted=instance.evicted)
        self._out += [Grant(ticket, done) for ticket in instance.loaders]
        instance.leases, instance.watchers, instance.loaders = [], [], []

    def _stop(self, instance: Instance, reason: LmsError) -> None:
        instance.phase = Phase.STOPPING
        self._refuse(instance, reason)
        if instance.spawned:
            self._out.append(Stop(instance.number))
            return
        del self._instances[instance.number]
        row = instance.row(instance.last_used_s, 0)
        self._out += [Grant(ticket, row) for ticket in instance.unloaders]

    def _died(self, instance: Instance, end: Exit) -> None:
        during = "while it loaded" if instance.phase is Phase.LOADING else "and took its requests with it"
        said = f"It said last: {end.last_words}" if end.last_words else "It left no message."
        error = EngineFailed(f"The engine of “{instance.identifier}” {end.how} {during}.", hint=said)
        self._say(instance, "error", str(error))
        self._refuse(instance, error)
        if instance.phase is Phase.READY and instance.wanted:
            self._fallen[instance.identifier] = instance.plan

    def _refuse(self, instance: Instance, reason: LmsError) -> None:
        self._out += [Refuse(ticket, reason) for ticket in (*instance.leases, *instance.loaders)]
        instance.leases, instance.watchers, instance.loaders = [], [], []

    def _not_loaded(self, identifier: str) -> ModelNotFound:
        there = ", ".join(sorted(self._identifiers()))
        loaded = f"Loaded: {there}." if there else "No model is loaded."
        return ModelNotFound(f"No loaded model has the identifier “{identifier}”. {loaded}", hint="See lms ps.")

    def _say(self, instance: Instance, level: Level, message: str) -> None:
        self._out.append(Publish(instance.plan, level, message, instance.pid))

    def _done(self, *effects: Effect) -> list[Effect]:
        """Everything decided since the last event. What changed is written down first: an answer is a promise."""
        done, self._out = [*self._out, *effects], []
        desired = self.desired()
        if desired != self._saved and not self._closed:
            self._saved = desired
            done.insert(0, Save(desired))
        return done


def _progress(instance: Instance) -> LeaseProgress:
    return LeaseProgress(instance.identifier, instance.progress)


def _is_short(context_length: int, request: LeaseRequest) -> bool:
    return request.context_length is not None and 0 < context_length < request.context_length
