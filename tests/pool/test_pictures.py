"""A model that sees no pictures is not even loaded for a request that shows it one."""

from dataclasses import replace
from pathlib import Path

from lms.client.control import LeaseRequest
from lms.errors import Unsupported
from lms.pool.effects import Effect, Grant, Refuse, Start
from lms.pool.instance import Plan
from lms.pool.state import PoolState
from tests.pool.plans import by_hand, jit, ready

SHOWN = LeaseRequest("tiny", picture="messages[0].content[1]")
MANY_BYTES = 1 << 40


def seeing(plan: Plan) -> Plan:
    return replace(plan, known=replace(plan.known, projector=Path("/models/mmproj.gguf")))


def asked(state: PoolState, plan: Plan | None) -> list[Effect]:
    wanted = (Grant, Refuse, Start)
    return [effect for effect in state.lease(9, SHOWN, 0.0, plan, MANY_BYTES) if isinstance(effect, wanted)]


def loaded(plan: Plan) -> PoolState:
    state = PoolState(lambda number: f"/run/engine-{number}.sock", 1)
    (started,) = [effect for effect in state.load(1, plan, MANY_BYTES, 0.0) if isinstance(effect, Start)]
    state.reported(started.number, ready(), 0.0)
    return state


def test_a_model_that_sees_nothing_is_refused_before_it_is_loaded() -> None:
    (refused,) = asked(PoolState(lambda number: "", 1), jit("tiny"))
    assert isinstance(refused, Refuse)
    assert isinstance(refused.error, Unsupported)
    assert refused.error.param == "messages[0].content[1]"
    assert "“tiny” sees none" in refused.error.message


def test_a_model_that_sees_is_loaded() -> None:
    assert [type(effect) for effect in asked(PoolState(lambda number: "", 1), seeing(jit("tiny")))] == [Start]


def test_of_loaded_models_one_that_sees_is_leased_and_another_is_not() -> None:
    assert [type(effect) for effect in asked(loaded(by_hand("tiny")), None)] == [Refuse]
    assert [type(effect) for effect in asked(loaded(seeing(by_hand("tiny"))), None)] == [Grant]
