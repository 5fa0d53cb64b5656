"""Who makes room under a memory budget, what is pinned, and loads that take over what is there."""

from dataclasses import replace

from lms.client.control import LeaseRequest, LoadDone
from lms.config.load import LoadConfig
from lms.errors import IdentifierInUse, NotEnoughMemory
from lms.pool.drafts import Draft
from lms.pool.effects import Refuse, Start, Stop
from lms.pool.instance import Plan
from tests.pool.plans import by_hand, jit, known
from tests.pool.test_state import MANY_BYTES, Story


def pinned(key: str, need_bytes: int = 0) -> Plan:
    return replace(by_hand(key, need_bytes=need_bytes), pinned=True)


def idle(story: Story, plan: Plan) -> int:
    number = story.loaded(plan)
    story.wait(1)
    return number


def test_within_the_budget_nobody_goes() -> None:
    story = Story(budget_bytes=100)
    idle(story, by_hand("a", need_bytes=50))
    story.load(by_hand("b", need_bytes=50))
    assert [effect.plan.key for effect in story.of(Start)] == ["b"]


def test_over_the_budget_the_least_recently_used_goes_though_the_machine_has_room() -> None:
    story = Story(budget_bytes=100)
    a, b = idle(story, by_hand("a", need_bytes=50)), idle(story, by_hand("b", need_bytes=50))
    story.works(a, served=1, running=0)
    story.load(by_hand("c", need_bytes=40))
    assert story.last[-1] == Stop(b)
    story.exits(b)
    assert [effect.plan.key for effect in story.of(Start)] == ["c"]


def test_nobody_goes_in_vain() -> None:
    story = Story(budget_bytes=100)
    idle(story, by_hand("small", need_bytes=10))
    big = idle(story, by_hand("big", need_bytes=80))
    story.load(by_hand("c", need_bytes=70))
    assert [effect.number for effect in story.of(Stop)] == [big]


def test_what_the_budget_unloads_is_not_loaded_again_by_a_daemon_that_comes_back() -> None:
    story = Story(budget_bytes=100)
    idle(story, by_hand("a", need_bytes=80))
    story.load(by_hand("b", need_bytes=80))
    assert story.saved == ()


def test_a_pinned_model_stays_and_another_one_goes() -> None:
    story = Story(budget_bytes=100)
    idle(story, pinned("a", need_bytes=50))
    b = idle(story, by_hand("b", need_bytes=50))
    story.load(by_hand("c", need_bytes=40))
    assert [effect.number for effect in story.of(Stop)] == [b]


def test_a_busy_model_stays_and_the_load_is_refused_with_the_numbers_and_a_way_out() -> None:
    story = Story(budget_bytes=2 << 30)
    story.works(idle(story, by_hand("a", need_bytes=1 << 30)), served=1)
    error = story.refused(story.load(by_hand("b", need_bytes=3 << 29)))
    assert isinstance(error, NotEnoughMemory)
    assert "1.50 GiB and 1.00 GiB of memory are free, of a budget of 2.00 GiB" in error.message
    assert "--force" in (error.hint or "")
    assert set(story.rows()) == {"a"}


def test_loads_at_once_share_the_budget_and_none_of_them_goes_for_another() -> None:
    story = Story(budget_bytes=100)
    story.load(by_hand("a", need_bytes=50))
    story.load(by_hand("b", need_bytes=50))
    assert isinstance(story.refused(story.load(by_hand("c", need_bytes=10))), NotEnoughMemory)
    assert set(story.rows()) == {"a", "b"}


def test_a_refusal_counts_what_idle_models_would_free_and_says_which() -> None:
    story = Story(budget_bytes=200 << 20)
    story.works(idle(story, by_hand("a", need_bytes=100 << 20)), served=1)
    idle(story, by_hand("b", need_bytes=40 << 20))
    error = story.refused(story.load(by_hand("c", need_bytes=150 << 20)))
    assert "needs about 150 MiB and 100 MiB of memory are free without “b”, of a budget of 200 MiB" in error.message
    assert set(story.rows()) == {"a", "b"}


def test_what_the_machine_lacks_is_not_said_to_be_the_budgets() -> None:
    story = Story(budget_bytes=4 << 30)
    error = story.refused(story.load(by_hand("a", need_bytes=2 << 30), free=1 << 30))
    assert error.message.endswith("needs about 2.00 GiB and 1.00 GiB of memory are free.")


def test_a_budget_holds_what_was_planned_for_a_model_though_it_takes_less_at_first() -> None:
    story = Story(budget_bytes=100)
    story.load(pinned("a", need_bytes=80))
    story.come_up(memory_bytes=50)
    assert isinstance(story.refused(story.load(by_hand("b", need_bytes=40))), NotEnoughMemory)


def test_a_draft_model_that_a_request_brings_along_must_be_within_the_budget_too() -> None:
    story = Story(budget_bytes=100)
    story.loaded(by_hand("a", need_bytes=80))
    draft = Draft(known("d"), 30)
    *_, refused = story.state.lease(99, LeaseRequest("a", "llm"), story.now, None, MANY_BYTES, draft)
    assert isinstance(refused, Refuse)
    assert isinstance(refused.error, NotEnoughMemory)


def test_a_load_tells_who_was_unloaded_for_it() -> None:
    story = Story(budget_bytes=100)
    a = idle(story, by_hand("a", need_bytes=80))
    ticket = story.load(by_hand("b", need_bytes=80))
    story.exits(a)
    story.come_up()
    done = story.granted(ticket)
    assert isinstance(done, LoadDone)
    assert done.evicted == ("a",)


def test_without_a_budget_what_was_loaded_by_hand_stays() -> None:
    story = Story()
    idle(story, by_hand("a", need_bytes=50))
    assert isinstance(story.refused(story.load(by_hand("b", need_bytes=50), free=10)), NotEnoughMemory)


def test_a_pinned_model_is_not_counted_out_by_the_limit_of_just_in_time_models() -> None:
    story = Story(jit_max_models=1)
    story.lease("a", replace(jit("a"), pinned=True))
    story.works(story.come_up(), served=1, running=0)
    story.jit("b")
    assert story.of(Stop) == []


def test_by_force_a_load_begins_that_does_not_fit_and_nobody_goes_for_it() -> None:
    story = Story(budget_bytes=100)
    idle(story, by_hand("a", need_bytes=50))
    story.load(by_hand("b", need_bytes=500), force=True)
    assert ([effect.plan.key for effect in story.of(Start)], story.of(Stop)) == (["b"], [])


def test_force_changes_nothing_where_room_can_be_made() -> None:
    story = Story(budget_bytes=100)
    a = idle(story, by_hand("a", need_bytes=50))
    story.load(by_hand("b", need_bytes=80), force=True)
    assert [effect.number for effect in story.of(Stop)] == [a]


def test_who_would_go_is_told_without_anybody_going() -> None:
    story = Story(budget_bytes=100)
    idle(story, by_hand("a", need_bytes=60))
    evicted = story.state.room_for(by_hand("b", need_bytes=60), MANY_BYTES)
    assert [instance.identifier for instance in evicted] == ["a"]
    assert set(story.rows()) == {"a"}


def test_reuse_takes_over_what_is_loaded() -> None:
    story = Story()
    story.loaded(by_hand("a", ttl_s=60.0))
    done = story.granted(story.load(replace(by_hand("a"), pinned=True), reuse=True))
    assert isinstance(done, LoadDone)
    assert done.reused
    assert (done.instance.ttl_s, done.instance.pinned, list(story.rows())) == (60.0, True, ["a"])


def test_reuse_takes_no_pin_away() -> None:
    story = Story()
    story.loaded(pinned("a"))
    story.load(by_hand("a", ttl_s=5.0), reuse=True)
    assert (story.rows()["a"].pinned, story.rows()["a"].ttl_s) == (True, 5.0)


def test_reuse_of_a_model_that_a_request_loaded_makes_it_one_loaded_by_hand() -> None:
    story = Story()
    story.jit("a", ttl_s=60.0)
    story.come_up()
    story.load(by_hand("a"), reuse=True)
    assert [model.key for model in story.saved or ()] == ["a"]
    assert story.rows()["a"].ttl_s is None


def test_reuse_joins_a_load_that_goes_on() -> None:
    story = Story()
    story.load(by_hand("a"))
    number = story.of(Start)[-1].number
    ticket = story.load(by_hand("a"), reuse=True)
    story.ready(number)
    assert isinstance(story.granted(ticket), LoadDone)
    assert list(story.rows()) == ["a"]


def test_reuse_loads_what_is_not_there() -> None:
    story = Story()
    story.load(by_hand("a"), reuse=True)
    assert [effect.plan.key for effect in story.of(Start)] == ["a"]


def test_reuse_of_what_is_loaded_otherwise_is_refused_with_what_differs() -> None:
    story = Story()
    story.loaded(by_hand("a"))
    error = story.refused(story.load(replace(by_hand("a"), config=LoadConfig(threads=2)), reuse=True))
    assert isinstance(error, IdentifierInUse)
    assert "“a” is loaded already, with another threads." in error.message


def test_reuse_under_another_identifier_is_a_load_of_its_own() -> None:
    story = Story()
    story.loaded(by_hand("a"))
    story.load(by_hand("a", identifier="mine"), reuse=True)
    assert "mine" in story.rows()
