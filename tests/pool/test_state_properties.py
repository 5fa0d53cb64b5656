"""Whatever happens to the pool's state, in whatever order, some things stay true. Hypothesis makes up the stories."""

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lms.client.control import LeaseRequest, LoadProgress
from lms.engine.protocol import Activity, LoadFailed, Loading
from lms.errors import EngineFailed, to_wire
from lms.pool.effects import Effect, Grant, Publish, Refuse, Save, Start, Stop, Tell
from lms.pool.instance import Plan
from lms.pool.state import Exit, PoolState
from tests.pool.plans import by_hand, jit, ready

KEYS = st.sampled_from(["a", "b", "c"])
FREE_BYTES = 250
CONTEXTS = st.sampled_from([None, 1024, 4096])
NEED_BYTES = st.sampled_from([0, 50, 100])


class Engines:
    """The naive twin: what a loop that does exactly as it is told would have running."""

    def __init__(self) -> None:
        self.loading: set[int] = set()
        self.ready: dict[int, int] = {}
        self.stopping: set[int] = set()

    @property
    def all(self) -> set[int]:
        return self.loading | set(self.ready) | self.stopping


class PoolStory(RuleBasedStateMachine):
    """Requests, loads, reports, deaths and the passing of time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PoolState(lambda number: f"engine-{number}", jit_max_models=2)
        self.now_s = 0.0
        self.tickets = 0
        self.waiting: set[int] = set()
        self.watching: set[int] = set()
        self.engines = Engines()
        self.plans: dict[int, Plan] = {}
        self.busy: set[int] = set()
        self.saved: Any = ()

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start(number, plan):
                    assert number not in self.engines.all, "an engine is started once"
                    self.engines.loading.add(number)
                    self.plans[number] = plan
                case Stop(number):
                    assert number in self.engines.loading or number in self.engines.ready, "only what runs is stopped"
                    self.engines.loading.discard(number)
                    self.engines.ready.pop(number, None)
                    self.engines.stopping.add(number)
                case Grant(ticket, _) | Refuse(ticket, _):
                    assert ticket in self.waiting, "an answer goes to somebody who waits, and once"
                    self.waiting.discard(ticket)
                case Tell(ticket, news):
                    assert ticket in self.waiting
                    assert isinstance(news, LoadProgress) or ticket in self.watching, "news is for those who want it"
                case Save(models):
                    self.saved = models
                case Publish():
                    pass

    @initialize(budget_bytes=st.sampled_from([None, 150]))
    def there_may_be_a_budget(self, budget_bytes: int | None) -> None:
        self.state = PoolState(lambda number: f"engine-{number}", jit_max_models=2, budget_bytes=budget_bytes)

    def make_room(self, effects: list[Effect]) -> None:
        """Effects of a load, which may unload others, but neither busy nor pinned ones."""
        stopped = {effect.number for effect in effects if isinstance(effect, Stop)}
        assert not stopped & (self.busy | self.engines.loading), "who is busy stays"
        assert not any(self.plans[number].pinned for number in stopped), "who is pinned stays"
        self.perform(effects)

    def ticket(self) -> int:
        self.tickets += 1
        self.waiting.add(self.tickets)
        return self.tickets

    @rule(key=KEYS, need_bytes=NEED_BYTES, context_length=CONTEXTS, watching=st.booleans())
    def a_request_comes(self, key: str, need_bytes: int, context_length: int | None, watching: bool) -> None:
        plan = jit(key, ttl_s=30, need_bytes=need_bytes, context_length=context_length or 2048)
        request, ticket = LeaseRequest(key, context_length=context_length, watching=watching), self.ticket()
        if watching:
            self.watching.add(ticket)
        self.perform(self.state.lease(ticket, request, self.now_s, plan, FREE_BYTES))

    @rule(key=KEYS)
    def a_request_comes_without_the_catalog(self, key: str) -> None:
        self.perform(self.state.lease(self.ticket(), LeaseRequest(key), self.now_s, None, FREE_BYTES))

    @rule(
        key=KEYS,
        identifier=st.sampled_from(["", "mine", "a"]),
        need_bytes=NEED_BYTES,
        pinned=st.booleans(),
        available_bytes=st.sampled_from([FREE_BYTES, None]),
    )
    def a_load_comes(
        self, key: str, identifier: str, need_bytes: int, pinned: bool, available_bytes: int | None
    ) -> None:
        plan = replace(by_hand(key, identifier, ttl_s=60, need_bytes=need_bytes), pinned=pinned)
        self.make_room(self.state.load(self.ticket(), plan, available_bytes, self.now_s))

    @rule(identifier=st.sampled_from(["a", "b", "a:2", "mine"]))
    def an_unload_comes(self, identifier: str) -> None:
        self.perform(self.state.unload(self.ticket(), identifier, self.now_s, 0))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def somebody_waits_no_longer(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.waiting)))
        self.waiting.discard(ticket)
        self.perform(self.state.cancel(ticket, self.now_s))

    @precondition(lambda self: self.engines.loading)
    @rule(data=st.data(), progress=st.floats(0, 1))
    def an_engine_loads_on(self, data: st.DataObject, progress: float) -> None:
        number = data.draw(st.sampled_from(sorted(self.engines.loading)))
        self.perform(self.state.reported(number, Loading(progress), self.now_s))

    @precondition(lambda self: self.engines.loading)
    @rule(data=st.data())
    def an_engine_is_ready(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.engines.loading)))
        self.engines.loading.discard(number)
        self.engines.ready[number] = 0
        plan = self.plans[number]
        self.perform(self.state.reported(number, ready(plan.need_bytes, plan.context_length or 2048), self.now_s))

    @precondition(lambda self: self.engines.loading)
    @rule(data=st.data())
    def a_load_fails(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.engines.loading)))
        self.perform(self.state.reported(number, LoadFailed(to_wire(EngineFailed("no"))), self.now_s))

    @precondition(lambda self: self.engines.ready)
    @rule(data=st.data(), running=st.integers(0, 2), arrived=st.integers(0, 2))
    def an_engine_works(self, data: st.DataObject, running: int, arrived: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.engines.ready)))
        self.engines.ready[number] += arrived
        activity = Activity("generating" if running else "idle", running, 0, self.engines.ready[number])
        (self.busy.add if running else self.busy.discard)(number)
        self.perform(self.state.reported(number, activity, self.now_s))

    @precondition(lambda self: self.engines.all)
    @rule(data=st.data())
    def an_engine_is_gone(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.engines.all)))
        for numbers in (self.engines.loading, self.engines.stopping, self.busy):
            numbers.discard(number)
        self.engines.ready.pop(number, None)
        self.perform(self.state.exited(number, Exit("ended"), self.now_s, 0))

    @rule(seconds=st.sampled_from([0.5, 11, 31, 61]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        busy = self.busy & set(self.engines.ready)
        self.perform(self.state.tick(self.now_s))
        assert busy <= set(self.engines.ready), "a busy model is never idle"

    @invariant()
    def identifiers_are_unique(self) -> None:
        identifiers = [row.identifier for row in self.state.rows(self.now_s, 0)]
        assert len(identifiers) == len(set(identifiers))

    @invariant()
    def what_is_shown_as_ready_is_running(self) -> None:
        shown = [row for row in self.state.rows(self.now_s, 0) if row.state != "loading"]
        assert len(shown) == len(self.engines.ready)

    @invariant()
    def what_was_written_down_is_what_should_be_loaded(self) -> None:
        assert self.saved == self.state.desired()
        assert not any(self.plans[n].jit and self.plans[n].identifier in {m.identifier for m in self.saved}
                       for n in self.engines.ready)  # fmt: skip

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        assert not self.waiting or self.engines.loading or self.engines.stopping

    def teardown(self) -> None:
        """At the end everything can be closed, and everybody has an answer."""
        self.perform(self.state.close())
        for number in sorted(self.engines.all):
            self.engines.stopping.discard(number)
            self.perform(self.state.exited(number, Exit("ended"), self.now_s, 0))
        assert self.state.empty
        assert not self.waiting


TestPoolStory = PoolStory.TestCase
TestPoolStory.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
