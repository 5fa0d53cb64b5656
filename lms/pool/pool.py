"""The loaded models of this machine. One loop thread owns the state and does what it decides.

Whoever asks waits at a mailbox; the catalog is asked on their own thread, so that a slow disk holds up nobody else.
"""

import os
import queue
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from lms.client.control import (
    InstanceRow,
    Lease,
    LeaseKind,
    LeaseProgress,
    LeaseRequest,
    LoadDone,
    LoadProgress,
    LoadRequest,
    MemoryEstimate,
    ModelRow,
)
from lms.config.settings import Settings
from lms.engine.protocol import EngineKind, Report
from lms.errors import DaemonUnreachable, LmsError, ModelUnloaded, NotEnoughMemory
from lms.logbus.bus import LogBus
from lms.logbus.records import LogRecord
from lms.paths import Home
from lms.pool import desired
from lms.pool.desired import Desired
from lms.pool.drafts import Draft, draft_for
from lms.pool.effects import Effect, Grant, Publish, Refuse, Save, Start, Stop, Tell
from lms.pool.engines import Engines, Making, Spawn
from lms.pool.instance import Plan, Ticket
from lms.pool.known import Models
from lms.pool.memory import available_bytes, private_bytes
from lms.pool.planning import Planner
from lms.pool.process import EngineProcess
from lms.pool.state import Exit, PoolState
from lms.pool.waiting import Desk, Waiting

CLOSE_TIMEOUT_S = 10.0
ON_WAIT_S = 0.5
LONGEST_WAIT_S = 3600.0  # a lock refuses to wait for centuries
_FIRST_NUMBERS = range(10_000, 90_000)

Event = Callable[[float], list[Effect]]


class Pool:
    """Loads models, grants leases on them, unloads them. Every method may be called from any thread."""

    def __init__(
        self,
        home: Home,
        models: Models,
        settings: Settings,
        bus: LogBus,
        journal: Callable[[LogRecord], None] = lambda _: None,
        spawn: Spawn = EngineProcess,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Everything said goes to `bus`, and what the pool itself says to `journal` too. `LMS_ENGINE=fake` makes every
        engine the fake one.
        """
        self._home = home
        self._models = models
        self._settings = settings
        self._planner = Planner(models, home.model_defaults, settings)
        self._wanted = desired.read(home.desired_models)
        # Engines of a daemon that was killed may still be ending: numbers of another range keep sockets apart.
        first_number = secrets.choice(_FIRST_NUMBERS)
        self._closing = False
        self._forgetting = False
        self._state = PoolState(
            self._socket_path, settings.jit_max_models, first_number, self._wanted, settings.memory_budget_bytes
        )
        kind: EngineKind = "fake" if environ.get("LMS_ENGINE") == "fake" else "llama"
        making = Making(kind, settings.queue_limit, home.prompt_cache, self._socket_path, spawn)
        self._engines = Engines(making, bus, journal, self._reported, self._exited)
        self._desk = Desk()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._gone = threading.Event()
        threading.Thread(target=self._run, name="pool", daemon=True).start()

    # What is there

    def models(self) -> list[ModelRow]:
        return [known.row for known in self._models.all()]

    def resolve(self, typed: str, fuzzy: bool = False) -> ModelRow:
        return self._models.resolve(typed, fuzzy).row

    def instances(self) -> list[InstanceRow]:
        ask: Waiting[list[InstanceRow]] = self._ask()
        self._post_after_news(lambda now_s: self._look(ask.ticket, now_s))
        return ask.take()

    def jit(self) -> bool:
        return self._settings.jit

    def estimate(self, request: LoadRequest) -> MemoryEstimate:
        """What that load would take. Raises as `load` does when the model is unknown, damaged or of no use here."""
        plan = self._planner.asked(request)
        free_bytes = available_bytes()
        evicted, budget_free_bytes = self._room_for(plan)
        need, draft_bytes = self._models.need(plan.known, plan.config), plan.draft.need_bytes if plan.draft else 0
        return MemoryEstimate(
            model=plan.known.row,
            context_length=need.context_length,
            weights_bytes=need.weights_bytes,
            context_bytes=need.context_bytes,
            compute_bytes=need.compute_bytes,
            prompt_cache_bytes=need.prompt_cache_bytes,
            gpu_bytes=need.gpu_bytes,
            engine_bytes=need.engine_bytes,
            draft_bytes=draft_bytes,
            total_bytes=plan.need_bytes,
            available_bytes=free_bytes,
            fits=evicted is not None,
            evicted=tuple(instance.identifier for instance in evicted or ()),
            freed_bytes=sum(instance.memory_bytes for instance in evicted or ()),
            budget_bytes=self._settings.memory_budget_bytes,
            budget_free_bytes=budget_free_bytes,
        )

    def _room_for(self, plan: Plan) -> tuple[list[InstanceRow] | None, int | None]:
        """What would be unloaded for it, None if that were not enough; and what is left of the budget."""
        ask: Waiting[tuple[list[InstanceRow] | None, int | None]] = self._ask()

        def look(now_s: float) -> list[Effect]:
            try:
                evicted = [instance.row(now_s, 0) for instance in self._state.room_for(plan, self._free_bytes())]
            except NotEnoughMemory:
                evicted = None
            self._desk.answer(ask.ticket, (evicted, self._state.budget_free_bytes))
            return []

        self._post_after_news(look)
        return ask.take()

    # What can be asked for

    def lease(self, model: str, kind: LeaseKind, ttl_s: float | None = None) -> Lease:
        """The right to send one request to `model`. Blocks while it is loaded. Raises what `leasing` names."""
        with closing(self.wait_for_lease(LeaseRequest(model, kind, ttl_s))) as answers:
            return next(answer for answer in answers if isinstance(answer, Lease))

    def wait_for_lease(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        """As `lease`, but before it None about twice a second, and news of the load if the request asks for them.
        Closing it before the lease came gives that up.
        """
        with self.leasing(request) as waiting:
            while True:
                try:
                    answer = waiting.take(ON_WAIT_S)
                except TimeoutError:
                    yield None
                    continue
                if isinstance(answer, Lease):
                    break
                yield answer
        yield answer

    def leasing(self, request: LeaseRequest) -> "Waiting[Lease | LeaseProgress]":
        """A lease to wait for; leaving its block gives it up.

        Raises what `draft_for` does, at once. The waiting raises ModelNotFound, AmbiguousModel, ModelDamaged,
        Unsupported or ModelNotLoaded when there is nothing to load, NotEnoughMemory or EngineFailed when it cannot be
        loaded, ModelUnloaded when it goes meanwhile, InvalidRequest when its kind or its context is not the right one.
        """
        draft = self._draft(request)
        ask: Waiting[Lease | LeaseProgress] = self._ask()
        ask.absent = lambda: self._lease(ask.ticket, request, self._planner.just_in_time(request), draft)
        self._lease(ask.ticket, request, None, draft)
        return ask

    def load(self, request: LoadRequest) -> Generator[LoadProgress | LoadDone, None, None]:
        """Progress, then `LoadDone`. Raises what kept the model from loading; closing the iterator cancels the load."""
        with self.loading(request) as waiting:
            while True:
                report = waiting.take()
                yield report
                if isinstance(report, LoadDone):
                    return

    def loading(self, request: LoadRequest) -> "Waiting[LoadProgress | LoadDone]":
        """A load to wait for; leaving its block before it is done cancels it. Raises as `leasing` does, at once."""
        plan = self._planner.asked(request)
        ask: Waiting[LoadProgress | LoadDone] = self._ask()

        def load(now_s: float) -> list[Effect]:
            free_bytes = self._free_bytes()
            return self._state.load(ask.ticket, plan, free_bytes, now_s, reuse=request.reuse, force=request.force)

        self._post_after_news(load)
        return ask

    def unload(self, identifier: str) -> InstanceRow:
        """End the instance with exactly that identifier and wait until it is gone. Raises ModelNotFound."""
        ask: Waiting[InstanceRow] = self._ask()
        self._post(lambda now_s: self._state.unload(ask.ticket, identifier, now_s, _unix_ms()))
        return ask.take()

    def restore(self) -> None:
        """Load what an earlier daemon had loaded. What cannot come back is logged and forgotten. Does not wait."""
        threading.Thread(target=self._restore, name="restore", daemon=True).start()

    def close(self) -> None:
        """Stop every engine and wait until they are gone. What should be loaded stays written down."""
        self._post(lambda _: self._close())
        self._gone.wait(CLOSE_TIMEOUT_S)

    def forget(self) -> None:
        """From now on a daemon that comes back loads nothing. For a daemon that is about to close."""
        self._post(lambda _: self._forget())

    # How

    def _draft(self, request: LeaseRequest) -> Draft | None:
        """The draft model that a request names, for its model as loaded, or to be loaded. Raises as `draft_for`."""
        if not request.draft_model:
            return None
        plan = self._plan_of(request.model, None)
        plan = plan or self._plan_of(request.model, self._models.resolve(request.model).file)
        plan = plan or self._planner.just_in_time(request)
        return draft_for(plan.known, plan.config, request.draft_model, self._models)

    def _plan_of(self, name: str, file: Path | None) -> Plan | None:
        ask: Waiting[list[Plan | None]] = self._ask()

        def look(_: float) -> list[Effect]:
            self._desk.answer(ask.ticket, [self._state.plan_of(name, file)])
            return []

        self._post(look)
        return ask.take()[0]

    def _lease(self, ticket: Ticket, request: LeaseRequest, plan: Plan | None, draft: Draft | None) -> None:
        def lease(now_s: float) -> list[Effect]:
            return self._state.lease(ticket, request, now_s, plan, self._free_bytes(), draft)

        self._post_after_news(lease)

    def _restore(self) -> None:
        """All are asked for before the first is waited for."""
        for wanted, coming in [(wanted, self._ask_again(wanted)) for wanted in self._wanted]:
            say = partial(self._engines.say, identifier=wanted.identifier)
            try:
                while not isinstance(coming.take(), LoadDone):
                    continue
                say("info", "is loaded again, as before the daemon ended")
            except (DaemonUnreachable, ModelUnloaded):
                continue  # somebody ended the daemon or unloaded the model meanwhile
            except LmsError as error:
                say("error", f"cannot be loaded again: {error}")

    def _ask_again(self, wanted: Desired) -> "Waiting[LoadProgress | LoadDone]":
        ask: Waiting[LoadProgress | LoadDone] = self._ask()
        plan = self._planner.again(wanted)
        self._post(lambda now_s: self._state.restore(ask.ticket, wanted, plan, self._free_bytes(), now_s))
        return ask

    # The loop

    def _post(self, event: Event) -> None:
        self._events.put(event)
        if self._gone.is_set():
            self._answer_the_rest()

    def _post_after_news(self, event: Event) -> None:
        """For what depends on who is idle, or dead: a client knows that its answer has ended, or its engine, before we
        are told, and asks for the next thing at once.
        """

        def catch_up(_: float) -> list[Effect]:
            self._engines.catch_up()
            self._post(event)
            return []

        self._post(catch_up)

    def _run(self) -> None:
        try:
            while not (self._closing and self._state.empty):
                self._turn()
        finally:
            self._gone.set()
            self._answer_the_rest()

    def _turn(self) -> None:
        """One event and its effects. What goes wrong with one is logged: without this loop nobody gets an answer."""
        due_s = self._state.due_s()
        timeout_s = None if due_s is None else max(0.0, due_s - time.monotonic())
        try:
            event = self._events.get(timeout=timeout_s if timeout_s is None else min(timeout_s, LONGEST_WAIT_S))
        except queue.Empty:
            event = self._state.tick
        with self._undeterred():
            for effect in event(time.monotonic()):
                with self._undeterred():
                    self._perform(effect)

    @contextmanager
    def _undeterred(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            with suppress(Exception):  # it may be the log itself that fails
                self._engines.say("error", f"The pool failed, and goes on.\n{traceback.format_exc()}")

    def _answer_the_rest(self) -> None:
        self._desk.answer_all(DaemonUnreachable("The daemon is ending."))

    def _forget(self) -> list[Effect]:
        self._save(())
        self._forgetting = True
        return []

    def _look(self, ticket: Ticket, now_s: float) -> list[Effect]:
        self._desk.answer(ticket, self._state.rows(now_s, _unix_ms()))
        return []

    def _close(self) -> list[Effect]:
        self._closing = True
        return self._state.close()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Start(number, plan):
                pid = self._engines.start(number, plan)
                if pid is not None:
                    self._state.spawned(number, pid)
            case Stop(number):
                self._engines.stop(number)
            case Tell(ticket, news):
                self._desk.deliver(ticket, news)
            case Grant(ticket, None):
                self._desk.deliver(ticket, None)
            case Grant(ticket, answer):
                self._desk.answer(ticket, answer)
            case Refuse(ticket, error):
                self._desk.answer(ticket, error)
            case Publish(plan, level, message, pid):
                self._engines.say(level, message, plan.identifier, pid)
            case Save(models):
                self._save(models)

    def _free_bytes(self) -> int:
        """What is free now. The state learns how much of their need those that load have taken from it already."""
        for number, pid in self._state.loading().items():
            self._state.weighed(number, private_bytes(pid))
        return available_bytes()

    def _reported(self, number: int, report: Report) -> None:
        self._post(lambda now_s: self._state.reported(number, report, now_s))

    def _exited(self, number: int, end: Exit) -> None:
        def leave(now_s: float) -> list[Effect]:
            self._engines.gone(number)
            return self._state.exited(number, end, now_s, _unix_ms())

        self._post(leave)

    def _save(self, models: tuple[Desired, ...]) -> None:
        if self._forgetting:
            return
        try:
            desired.write(self._home.desired_models, models)
        except OSError as error:
            self._engines.say("error", f"What is loaded could not be written down: {error}.")

    def _socket_path(self, number: int) -> str:
        return str(self._home.engine_socket(number))

    def _ask(self) -> "Waiting[Any]":
        return Waiting(self._desk, lambda ticket: self._post(lambda now_s: self._state.cancel(ticket, now_s)))


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
