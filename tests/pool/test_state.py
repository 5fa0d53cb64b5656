"""The pool's state machine: each test tells it a story and looks at what it wants done."""

from collections.abc import Iterable
from typing import TypeVar

import pytest

from lms.client.control import InstanceRow, Lease, LeaseKind, LeaseProgress, LeaseRequest, LoadDone, LoadProgress
from lms.engine.protocol import Activity, LoadFailed, Loading
from lms.errors import (
    DaemonUnreachable,
    EngineFailed,
    IdentifierInUse,
    InvalidRequest,
    LmsError,
    ModelNotFound,
    ModelUnloaded,
    NotEnoughMemory,
    to_wire,
)
from lms.pool.desired import Desired
from lms.pool.effects import Effect, Grant, Publish, Refuse, Save, Start, Stop, Tell
from lms.pool.instance import RESERVATION_S, Plan
from lms.pool.state import SETTLED_S, Exit, PoolState
from tests.pool.plans import by_hand, jit, ready

E = TypeVar("E", bound=Effect)
MANY_BYTES = 1 << 40
STOPPED = Exit("ended")
KILLED = Exit("was killed by SIGKILL", "out of luck")


class Story:
    """Tells a `PoolState` what happens, in words that tests read well, and keeps what it wanted done last."""

    def __init__(
        self, jit_max_models: int = 1, pending: Iterable[Desired] = (), budget_bytes: int | None = None
    ) -> None:
        self.state = PoolState(
            lambda number: f"/run/engine-{number}.sock", jit_max_models, pending=pending, budget_bytes=budget_bytes
        )
        self.now = 0.0
        self.ticket = 0
        self.last: list[Effect] = []
        self.saved: tuple[Desired, ...] | None = None

    def _did(self, effects: list[Effect]) -> list[Effect]:
        self.last = [effect for effect in effects if not isinstance(effect, Publish)]
        for effect in self.of(Save):
            self.saved = effect.models
        return self.last

    def of(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.last if isinstance(effect, kind)]

    def lease(
        self,
        name: str,
        plan: Plan | None = None,
        kind: LeaseKind = "llm",
        free: int = MANY_BYTES,
        context_length: int | None = None,
        watching: bool = False,
    ) -> int:
        self.ticket += 1
        request = LeaseRequest(name, kind, context_length=context_length, watching=watching)
        self._did(self.state.lease(self.ticket, request, self.now, plan, free))
        return self.ticket

    def jit(self, key: str, **fields: object) -> int:
        return self.lease(key, jit(key, **fields))  # type: ignore[arg-type]

    def load(self, plan: Plan, free: int | None = MANY_BYTES, reuse: bool = False, force: bool = False) -> int:
        self.ticket += 1
        self._did(self.state.load(self.ticket, plan, free, self.now, reuse=reuse, force=force))
        return self.ticket

    def loaded(self, plan: Plan) -> int:
        """Loads it to the end; returns its engine's number."""
        self.load(plan)
        return self.come_up()

    def come_up(self, memory_bytes: int = 0) -> int:
        """The engine spawned last is ready."""
        number = self.of(Start)[-1].number
        self.ready(number, memory_bytes)
        return number

    def ready(self, number: int, memory_bytes: int = 0) -> None:
        self._did(self.state.reported(number, ready(memory_bytes), self.now))

    def unload(self, identifier: str) -> int:
        self.ticket += 1
        self._did(self.state.unload(self.ticket, identifier, self.now, 0))
        return self.ticket

    def reports(self, number: int, report: object) -> None:
        self._did(self.state.reported(number, report, self.now))  # type: ignore[arg-type]

    def works(self, number: int, served: int, running: int = 1) -> None:
        state = "generating" if running else "idle"
        self.reports(number, Activity(state, running, 0, served))  # type: ignore[arg-type]

    def exits(self, number: int, end: Exit = STOPPED) -> None:
        self._did(self.state.exited(number, end, self.now, 0))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._did(self.state.tick(self.now))

    def cancel(self, ticket: int) -> None:
        self._did(self.state.cancel(ticket, self.now))

    def rows(self) -> dict[str, InstanceRow]:
        return {row.identifier: row for row in self.state.rows(self.now, round(self.now * 1000))}

    def refused(self, ticket: int) -> LmsError:
        return next(effect.error for effect in self.of(Refuse) if effect.ticket == ticket)

    def granted(self, ticket: int) -> object:
        return next(effect.answer for effect in self.of(Grant) if effect.ticket == ticket)


class TestLeaseThatWatches:
    def test_hears_at_once_that_the_model_is_loaded_and_then_how_far_it_is(self) -> None:
        story = Story()
        ticket = story.lease("tiny", jit("tiny"), watching=True)
        assert Tell(ticket, LeaseProgress("tiny", 0.0)) in story.last
        number = story.of(Start)[-1].number
        story.reports(number, Loading(0.4))
        assert story.last == [Tell(ticket, LeaseProgress("tiny", 0.4))]

    def test_joins_a_load_where_it_is(self) -> None:
        story = Story()
        story.jit("tiny")
        story.reports(story.of(Start)[-1].number, Loading(0.7))
        assert story.last == [], "nobody watches"
        ticket = story.lease("tiny", watching=True)
        assert story.last == [Tell(ticket, LeaseProgress("tiny", 0.7))]

    def test_of_a_loaded_model_hears_nothing(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        story.lease("tiny", watching=True)
        assert story.of(Tell) == []

    def test_hears_no_more_once_it_is_given_up(self) -> None:
        story = Story()
        ticket = story.lease("tiny", jit("tiny"), watching=True)
        number = story.of(Start)[-1].number
        story.cancel(ticket)
        story.reports(number, Loading(0.4))
        assert story.last == []


class TestLeaseWithAContext:
    def test_takes_a_loaded_model_whose_context_is_long_enough(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        assert isinstance(story.granted(story.lease("tiny", context_length=2048)), Lease)

    def test_of_a_model_loaded_by_hand_is_refused_when_that_is_too_short(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        error = story.refused(story.lease("tiny", jit("tiny", context_length=4096), context_length=4096))
        assert isinstance(error, InvalidRequest)
        assert error.param == "context_length"
        assert "2048" in str(error)
        assert "4096" in str(error)

    def test_takes_the_instance_whose_context_is_long_enough(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        story.load(by_hand("tiny"))
        number = story.of(Start)[-1].number
        story.reports(number, ready(context_length=4096))
        lease = story.granted(story.lease("tiny", context_length=3000))
        assert isinstance(lease, Lease)
        assert lease.identifier == "tiny:2"

    def test_loads_an_idle_model_again_that_a_request_had_loaded_with_a_shorter_one(self) -> None:
        story = Story()
        story.jit("tiny")
        old = story.come_up()
        story.works(old, served=1, running=0)
        assert story.granted(story.lease("tiny", context_length=4096)) is None, "the catalog is asked first"
        ticket = story.lease("tiny", jit("tiny", context_length=4096), context_length=4096)
        assert story.of(Stop) == [Stop(old)]
        new = story.of(Start)[-1]
        assert (new.plan.identifier, new.plan.context_length) == ("tiny", 4096)
        story.reports(new.number, ready(context_length=4096))
        assert isinstance(story.granted(ticket), Lease)

    def test_leaves_a_busy_model_alone_and_is_refused(self) -> None:
        story = Story()
        story.jit("tiny")
        story.works(story.come_up(), served=1)
        error = story.refused(story.lease("tiny", jit("tiny", context_length=4096), context_length=4096))
        assert error.param == "context_length"

    def test_of_another_kind_ends_no_model(self) -> None:
        story = Story()
        story.lease("embed", jit("embed", kind="embedding"), kind="embedding")
        story.works(story.come_up(), served=1, running=0)
        error = story.refused(story.lease("embed", jit("embed", kind="embedding"), context_length=4096))
        assert error.param == "model"
        assert story.of(Stop) == []

    def test_joins_a_load_only_if_its_context_will_do(self) -> None:
        story = Story()
        story.jit("tiny")
        assert story.refused(story.lease("tiny", context_length=4096)).param == "context_length"
        joined = story.lease("tiny", context_length=1024)
        story.ready(1)
        assert isinstance(story.granted(joined), Lease)


class TestLease:
    def test_of_a_model_that_is_not_loaded_asks_for_the_catalog(self) -> None:
        story = Story()
        ticket = story.lease("tiny")
        assert story.last == [Grant(ticket, None)]

    def test_loads_the_model_and_is_granted_when_it_is_ready(self) -> None:
        story = Story()
        ticket = story.jit("tiny")
        assert [effect.plan.identifier for effect in story.of(Start)] == ["tiny"]
        story.come_up()
        lease = story.granted(ticket)
        assert isinstance(lease, Lease)
        assert (lease.identifier, lease.socket_path) == ("tiny", "/run/engine-1.sock")

    def test_simultaneous_requests_share_one_load(self) -> None:
        story = Story()
        first = story.jit("tiny")
        (spawn,) = story.of(Start)
        second = story.jit("tiny")
        third = story.lease("tiny")
        assert story.of(Start) == []
        story.ready(spawn.number)
        assert {effect.ticket for effect in story.of(Grant)} == {first, second, third}
        assert set(story.rows()) == {"tiny"}

    def test_of_a_loaded_model_is_granted_at_once(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        assert isinstance(story.granted(story.lease("tiny")), Lease)

    @pytest.mark.parametrize("name", ["tiny", "TINY", "lms/tiny", "tiny@q8_0", "Lms/Tiny@Q8_0", "mine"])
    def test_finds_a_loaded_model_by_every_name_it_has(self, name: str) -> None:
        story = Story()
        story.loaded(by_hand("tiny", identifier="mine"))
        assert isinstance(story.granted(story.lease(name)), Lease)

    def test_takes_identifiers_only_as_they_are_written(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny", identifier="mine"))
        assert story.granted(story.lease("MINE")) is None

    def test_prefers_an_identifier_to_another_models_key(self) -> None:
        story = Story()
        story.loaded(by_hand("other"))
        number = story.loaded(by_hand("tiny", identifier="other:2"))
        lease = story.granted(story.lease("other:2"))
        assert isinstance(lease, Lease)
        assert lease.socket_path == f"/run/engine-{number}.sock"

    def test_goes_to_the_least_loaded_instance_of_a_model(self) -> None:
        story = Story()
        busy = story.loaded(by_hand("tiny", identifier="a"))
        story.loaded(by_hand("tiny", identifier="b"))
        story.works(busy, served=1)
        lease = story.granted(story.lease("tiny"))
        assert isinstance(lease, Lease)
        assert lease.identifier == "b"

    def test_of_a_path_finds_the_loaded_model_of_that_file(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        assert isinstance(story.granted(story.lease("some/path.gguf", jit("tiny"))), Lease)

    def test_for_an_embedding_on_a_chat_model_is_refused_and_loads_nothing(self) -> None:
        story = Story()
        error = story.refused(story.lease("tiny", jit("tiny"), kind="embedding"))
        assert isinstance(error, InvalidRequest)
        assert error.param == "model"
        assert story.of(Start) == []

    def test_for_a_chat_on_a_loaded_embedding_model_is_refused(self) -> None:
        story = Story()
        story.loaded(by_hand("embed", kind="embedding"))
        assert isinstance(story.refused(story.lease("embed")), InvalidRequest)

    @pytest.mark.parametrize("kind", ["llm", "embedding"])
    def test_for_nothing_in_particular_is_granted_for_either_kind(self, kind: str) -> None:
        story = Story()
        story.loaded(by_hand("tiny", kind=kind))
        assert isinstance(story.granted(story.lease("tiny", kind="any")), Lease)

    def test_that_was_given_up_is_not_granted(self) -> None:
        story = Story()
        ticket = story.jit("tiny")
        number = story.of(Start)[0].number
        story.cancel(ticket)
        story.ready(number)
        assert story.of(Grant) == []
        assert set(story.rows()) == {"tiny"}


class TestLoad:
    def test_is_additive_and_numbers_identifiers(self) -> None:
        story = Story()
        for _ in range(3):
            story.loaded(by_hand("tiny"))
        assert list(story.rows()) == ["tiny", "tiny:2", "tiny:3"]

    def test_under_an_identifier_in_use_is_refused(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny", identifier="mine"))
        assert isinstance(story.refused(story.load(by_hand("other", identifier="mine"))), IdentifierInUse)

    def test_tells_its_progress_and_its_end(self) -> None:
        story = Story()
        ticket = story.load(by_hand("tiny"))
        number = story.of(Start)[0].number
        story.reports(number, Loading(0.5))
        assert story.last == [Tell(ticket, LoadProgress(0.5))]
        story.ready(number)
        done = story.granted(ticket)
        assert isinstance(done, LoadDone)
        assert (done.instance.identifier, done.instance.state, done.load_time_s) == ("tiny", "idle", 0.5)

    def test_that_is_cancelled_stops_its_engine(self) -> None:
        story = Story()
        story.cancel(story.load(by_hand("tiny")))
        assert story.of(Stop) == [Stop(1)]
        assert story.rows() == {}

    def test_that_is_cancelled_goes_on_for_a_request_that_joined_it(self) -> None:
        story = Story()
        ticket = story.load(by_hand("tiny"))
        joined = story.lease("tiny")
        story.cancel(ticket)
        assert story.last == []
        story.ready(1)
        assert isinstance(story.granted(joined), Lease)

    def test_that_is_done_is_not_undone_by_a_late_cancel(self) -> None:
        story = Story()
        ticket = story.load(by_hand("tiny"))
        story.come_up()
        story.cancel(ticket)
        assert story.last == []

    def test_that_fails_gives_the_engines_reason(self) -> None:
        story = Story()
        ticket = story.load(by_hand("tiny"))
        story.reports(1, LoadFailed(to_wire(EngineFailed("No room on the GPU."))))
        assert story.refused(ticket).message == "No room on the GPU."
        assert story.of(Stop) == [Stop(1)]

    def test_whose_engine_dies_gives_its_last_words(self) -> None:
        story = Story()
        ticket = story.load(by_hand("tiny"))
        story.exits(1, KILLED)
        error = story.refused(ticket)
        assert isinstance(error, EngineFailed)
        assert "SIGKILL" in str(error)
        assert "out of luck" in str(error)

    def test_frees_the_identifier_when_it_ends(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        story.unload("tiny")
        story.loaded(by_hand("tiny"))
        assert list(story.rows()) == ["tiny"]


class TestUnload:
    def test_is_answered_when_the_engine_is_gone(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny"))
        ticket = story.unload("tiny")
        assert story.of(Stop) == [Stop(number)]
        assert story.of(Grant) == []
        story.exits(number)
        row = story.granted(ticket)
        assert isinstance(row, InstanceRow)
        assert row.identifier == "tiny"

    def test_takes_exact_identifiers_only_and_names_what_is_there(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny", identifier="mine"))
        error = story.refused(story.unload("tiny"))
        assert isinstance(error, ModelNotFound)
        assert "mine" in error.message

    def test_of_a_busy_model_stops_it_all_the_same(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny"))
        story.works(number, served=1)
        story.unload("tiny")
        assert story.of(Stop) == [Stop(number)]

    def test_refuses_those_who_wait_for_the_load(self) -> None:
        story = Story()
        waiting = story.jit("tiny")
        story.unload("tiny")
        assert isinstance(story.refused(waiting), ModelUnloaded)


class TestIdleTime:
    def test_unloads_a_model_after_its_ttl(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny", ttl_s=60))
        story.wait(59)
        assert story.last == []
        story.wait(1)
        assert story.of(Stop) == [Stop(number)]

    def test_never_unloads_a_model_without_ttl(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        story.wait(1e9)
        assert story.last == []

    def test_starts_again_with_each_use(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny", ttl_s=60))
        story.wait(50)
        story.lease("tiny")
        story.works(number, served=1)
        story.works(number, served=1, running=0)
        story.wait(59)
        assert story.last == []
        assert story.rows()["tiny"].remaining_ttl_s == 1
        story.wait(1)
        assert story.of(Stop) == [Stop(number)]

    def test_does_not_run_while_the_model_works(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny", ttl_s=60))
        story.works(number, served=1)
        story.wait(1000)
        assert story.last == []
        assert story.rows()["tiny"].remaining_ttl_s == 60
        story.works(number, served=1, running=0)
        story.wait(59)
        assert story.last == []

    def test_does_not_run_while_a_leased_request_is_on_its_way(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny", ttl_s=1))
        story.lease("tiny")
        story.wait(RESERVATION_S - 0.1)
        assert story.last == []
        story.wait(0.1)
        assert len(story.of(Stop)) == 1

    def test_says_when_the_next_thing_is_due(self) -> None:
        story = Story()
        assert story.state.due_s() is None
        story.loaded(by_hand("tiny", ttl_s=60))
        assert story.state.due_s() == 60
        story.lease("tiny")
        assert story.state.due_s() == RESERVATION_S


class TestMakingRoom:
    def test_the_idle_jit_model_goes_before_the_next_one_comes(self) -> None:
        story = Story()
        story.jit("a")
        a = story.come_up()
        story.works(a, served=1, running=0)
        waiting = story.jit("b")
        assert story.last == [Stop(a)]
        story.exits(a)
        b = story.come_up()
        assert isinstance(story.granted(waiting), Lease)
        assert b != a

    def test_models_loaded_by_hand_stay(self) -> None:
        story = Story()
        story.loaded(by_hand("a"))
        story.jit("b")
        assert story.of(Stop) == []
        story.come_up()
        assert set(story.rows()) == {"a", "b"}

    def test_a_load_by_hand_sends_no_jit_model_away(self) -> None:
        story = Story()
        story.works(self._jit_ready(story, "a"), served=1, running=0)
        story.load(by_hand("b"))
        assert story.of(Stop) == []

    def test_a_busy_jit_model_stays_beside_the_new_one(self) -> None:
        story = Story()
        a = self._jit_ready(story, "a")
        story.works(a, served=1)
        story.jit("b")
        assert story.of(Stop) == []
        assert len(story.of(Start)) == 1

    def test_a_loading_jit_model_is_not_sent_away(self) -> None:
        story = Story()
        story.jit("a")
        story.jit("b")
        assert story.of(Stop) == []

    def test_the_least_recently_used_goes_first(self) -> None:
        story = Story(jit_max_models=2)
        a, b = self._jit_ready(story, "a"), self._jit_ready(story, "b")
        for number, at in ((b, 1), (a, 2)):
            story.wait(at)
            story.works(number, served=1, running=0)
        story.jit("c")
        assert story.of(Stop) == [Stop(b)]

    def test_more_than_are_allowed_go_together_once_idle(self) -> None:
        story = Story()
        a = self._jit_ready(story, "a")
        story.works(a, served=1)
        b = self._jit_ready(story, "b")
        for number in (a, b):
            story.works(number, served=1, running=0)
        story.jit("c")
        assert {effect.number for effect in story.of(Stop)} == {a, b}

    def test_no_limit_is_no_limit(self) -> None:
        story = Story(jit_max_models=0)
        for key in "abc":
            story.works(self._jit_ready(story, key), served=1, running=0)
        assert len(story.rows()) == 3

    def test_a_model_asked_for_again_while_it_goes_comes_back_under_its_own_name(self) -> None:
        story = Story()
        a = self._jit_ready(story, "a")
        story.works(a, served=1, running=0)
        story.unload("a")
        story.jit("a")
        assert list(story.rows()) == ["a"]
        assert story.of(Start)[0].number != a

    def test_a_load_still_waiting_for_room_can_be_cancelled_without_an_engine(self) -> None:
        story = Story()
        a = self._jit_ready(story, "a", need_bytes=60)
        story.works(a, served=1, running=0)
        ticket = story.load(by_hand("b", need_bytes=80), free=40)
        assert story.last == [Stop(a)]
        story.cancel(ticket)
        assert isinstance(story.refused(ticket) if story.of(Refuse) else ModelUnloaded(""), ModelUnloaded)
        story.exits(a)
        assert story.of(Start) == []

    @staticmethod
    def _jit_ready(story: Story, key: str, need_bytes: int = 0) -> int:
        ticket = story.jit(key, need_bytes=need_bytes)
        number = story.come_up(need_bytes)
        assert isinstance(story.granted(ticket), Lease)
        return number


class TestMemory:
    def test_a_load_that_does_not_fit_is_refused_with_both_numbers(self) -> None:
        story = Story()
        error = story.refused(story.load(by_hand("tiny", need_bytes=3 << 30), free=1 << 30))
        assert isinstance(error, NotEnoughMemory)
        assert "3.00 GiB" in error.message
        assert "1.00 GiB" in error.message
        assert story.rows() == {}

    def test_idle_jit_models_make_room_for_a_load_by_hand(self) -> None:
        story = Story(jit_max_models=3)
        for key in "ab":
            story.jit(key, need_bytes=50)
            story.works(story.come_up(50), served=1, running=0)
            story.wait(1)
        story.load(by_hand("big", need_bytes=100), free=60)
        assert story.last == [Stop(1)]
        story.exits(1)
        assert [effect.plan.key for effect in story.of(Start)] == ["big"]

    def test_nobody_goes_for_a_load_that_will_not_fit_anyway(self) -> None:
        story = Story()
        story.jit("a", need_bytes=50)
        story.works(story.come_up(50), served=1, running=0)
        story.load(by_hand("big", need_bytes=500), free=60)
        assert story.of(Stop) == []
        assert set(story.rows()) == {"a"}

    def test_what_another_load_is_about_to_take_is_not_free(self) -> None:
        story = Story()
        story.load(by_hand("a", need_bytes=50), free=80)
        assert isinstance(story.refused(story.load(by_hand("b", need_bytes=50), free=80)), NotEnoughMemory)

    def test_what_another_load_has_taken_already_is_not_counted_twice(self) -> None:
        story = Story()
        story.load(by_hand("a", need_bytes=50), free=80)
        story.state.spawned(1, pid=7)
        assert story.state.loading() == {1: 7}
        story.state.weighed(1, taken_bytes=30)
        story.load(by_hand("b", need_bytes=30), free=50)
        assert [effect.plan.key for effect in story.of(Start)] == ["b"]
        assert isinstance(story.refused(story.load(by_hand("c", need_bytes=1), free=50)), NotEnoughMemory)

    def test_a_load_waits_for_memory_that_a_stopping_model_still_holds(self) -> None:
        story = Story()
        a = story.loaded(by_hand("a", need_bytes=50))
        story.unload("a")
        story.load(by_hand("b", need_bytes=50), free=10)
        assert story.of(Start) == []
        story.exits(a)
        assert [effect.plan.key for effect in story.of(Start)] == ["b"]


class TestDeath:
    def test_of_a_jit_model_is_mended_by_the_next_request(self) -> None:
        story = Story()
        story.jit("tiny")
        story.exits(story.come_up(), KILLED)
        assert story.rows() == {}
        story.jit("tiny")
        assert len(story.of(Start)) == 1

    def test_of_a_model_loaded_by_hand_is_mended_as_it_was(self) -> None:
        story = Story()
        story.exits(story.loaded(by_hand("tiny", identifier="mine", ttl_s=60)), KILLED)
        ticket = story.lease("mine")
        plan = story.of(Start)[0].plan
        assert (plan.identifier, plan.ttl_s, plan.jit) == ("mine", 60, False)
        story.come_up()
        assert isinstance(story.granted(ticket), Lease)

    def test_again_while_it_is_mended_is_given_up(self) -> None:
        story = Story()
        story.exits(story.loaded(by_hand("tiny", identifier="mine")), KILLED)
        waiting = story.lease("mine")
        story.exits(story.of(Start)[0].number, KILLED)
        assert isinstance(story.refused(waiting), EngineFailed)
        assert story.granted(story.lease("mine")) is None
        assert story.saved == ()

    def test_leaves_a_model_that_can_be_unloaded(self) -> None:
        story = Story()
        story.exits(story.loaded(by_hand("tiny")), KILLED)
        row = story.granted(story.unload("tiny"))
        assert isinstance(row, InstanceRow)
        assert story.saved == ()

    def test_is_forgotten_when_the_model_is_loaded_by_hand_again(self) -> None:
        story = Story()
        story.exits(story.loaded(by_hand("tiny")), KILLED)
        story.loaded(by_hand("tiny"))
        assert list(story.rows()) == ["tiny"]
        assert story.state.desired() == (Desired("tiny", "tiny"),)


class TestDesiredModels:
    def test_are_written_down_when_they_are_ready(self) -> None:
        story = Story()
        story.load(by_hand("tiny", ttl_s=60))
        assert story.of(Save) == []
        story.come_up()
        assert story.saved == (Desired("tiny", "tiny", 60),)

    def test_are_crossed_out_when_they_are_unloaded(self) -> None:
        story = Story()
        story.loaded(by_hand("tiny"))
        story.unload("tiny")
        assert story.saved == ()

    def test_do_not_include_jit_models(self) -> None:
        story = Story()
        story.jit("tiny")
        story.come_up()
        assert story.saved is None

    def test_include_one_whose_engine_died(self) -> None:
        story = Story()
        story.exits(story.loaded(by_hand("tiny")), KILLED)
        assert story.saved == (Desired("tiny", "tiny"),)

    def test_whose_engine_dies_after_it_did_well_is_loaded_again_at_once(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny"))
        story.wait(SETTLED_S)
        story.exits(number, KILLED)
        assert [effect.plan.identifier for effect in story.of(Start)] == ["tiny"]
        story.come_up()
        assert story.saved == (Desired("tiny", "tiny"),)

    def test_whose_engine_dies_at_once_is_not_loaded_for_ever(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny"))
        story.wait(SETTLED_S / 2)
        story.exits(number, KILLED)
        assert story.of(Start) == []

    def test_stay_written_down_when_the_daemon_ends(self) -> None:
        story = Story()
        number = story.loaded(by_hand("tiny"))
        story._did(story.state.close())
        assert story.last == [Stop(number)]
        story.exits(number)
        assert story.saved == (Desired("tiny", "tiny"),)
        assert story.state.empty

    def test_are_not_loaded_any_more_once_the_daemon_ends(self) -> None:
        story = Story()
        story.state.close()
        assert isinstance(story.refused(story.load(by_hand("tiny"))), DaemonUnreachable)
        assert isinstance(story.refused(story.jit("tiny")), DaemonUnreachable)

    def test_stay_written_down_until_they_have_been_restored(self) -> None:
        wanted = Desired("tiny", "mine", 60)
        story = Story(pending=[wanted, Desired("other", "other")])
        story._did(story.state.restore(99, wanted, by_hand("tiny", "mine", 60), MANY_BYTES, 0.0))
        assert [effect.plan.identifier for effect in story.of(Start)] == ["mine"]
        assert {model.identifier for model in story.state.desired()} == {"mine", "other"}

    def test_that_cannot_be_restored_are_crossed_out(self) -> None:
        wanted = Desired("tiny", "mine", 60)
        story = Story(pending=[wanted])
        story._did(story.state.restore(99, wanted, ModelNotFound("It is gone."), MANY_BYTES, 0.0))
        assert isinstance(story.refused(99), ModelNotFound)
        assert story.saved == ()

    def test_for_which_there_is_no_room_any_more_are_refused_and_crossed_out(self) -> None:
        wanted = Desired("tiny", "mine", 60)
        story = Story(pending=[wanted])
        story._did(story.state.restore(99, wanted, by_hand("tiny", "mine", 60, need_bytes=2), 1, 0.0))
        assert isinstance(story.refused(99), NotEnoughMemory)
        assert story.saved == ()

    def test_whose_restored_engine_dies_while_loading_are_crossed_out(self) -> None:
        wanted = Desired("tiny", "mine", 60)
        story = Story(pending=[wanted])
        story._did(story.state.restore(99, wanted, by_hand("tiny", "mine", 60), MANY_BYTES, 0.0))
        story.exits(1, KILLED)
        assert story.saved == ()
