"""Which draft models may guess for which models, and what the pool does about those it grants."""

from dataclasses import replace

import pytest

from lms.client.control import LeaseRequest
from lms.config.load import LoadConfig
from lms.errors import InvalidRequest, LmsError, ModelDamaged, ModelNotFound, NotEnoughMemory, Unsupported
from lms.generation.request import DraftModel
from lms.pool.drafts import Draft, draft_for
from lms.pool.effects import Effect, Grant, Refuse, Start
from lms.pool.instance import Plan
from lms.pool.known import Known
from lms.pool.state import PoolState
from tests.pool.actors import Shelf
from tests.pool.plans import by_hand, jit, known, ready

PLENTY = 1 << 40


def worded(key: str, vocabulary: str = "words", *, has_state: bool = False) -> Known:
    return replace(known(key), vocabulary=vocabulary, has_state=has_state)


BIG, SMALL, TINY = worded("big"), worded("small"), worded("tiny")


def test_a_model_with_the_same_vocabulary_may_guess() -> None:
    draft = draft_for(BIG, LoadConfig(), "small", Shelf(BIG, SMALL, need_bytes=7))
    assert draft == Draft(SMALL, 7)
    assert draft.model == DraftModel("small", "/models/small.gguf")


@pytest.mark.parametrize(
    ("beside", "draft", "expected"),
    [
        (BIG, worded("x", "other words"), InvalidRequest),
        (worded("big", ""), worded("x", ""), InvalidRequest),
        (BIG, replace(known("x", "embedding"), vocabulary="words"), InvalidRequest),
        (BIG, worded("x", has_state=True), Unsupported),
        (worded("big", has_state=True), worded("x"), Unsupported),
        (BIG, replace(known("x", damaged="cut off"), vocabulary="words"), ModelDamaged),
        (BIG, replace(known("x", format="mlx"), vocabulary="words"), Unsupported),
        (BIG, SMALL, ModelNotFound),
    ],
    ids=["vocabulary", "unknown vocabulary", "embedding", "state", "target with state", "damaged", "mlx", "absent"],
)
def test_one_that_cannot_help_is_refused_and_the_field_named(
    beside: Known, draft: Known, expected: type[LmsError]
) -> None:
    with pytest.raises(expected) as refused:
        draft_for(beside, LoadConfig(), "x", Shelf(beside, draft))
    assert refused.value.param == "draft_model"


class Story:
    """A pool's state, and what it last wanted done."""

    def __init__(self) -> None:
        self.state = PoolState(lambda number: f"/run/{number}.sock")
        self.tickets = 0

    def lease(self, name: str, draft: Draft | None, plan: Plan | None = None, free: int = PLENTY) -> list[Effect]:
        self.tickets += 1
        return self.state.lease(self.tickets, LeaseRequest(name), 0.0, plan, free, draft)

    def loaded(self, plan: Plan) -> None:
        self.tickets += 1
        self.state.load(self.tickets, plan, PLENTY, 0.0)
        self.state.reported(1, ready(memory_bytes=100), 0.0)


def draft_of(effects: list[Effect]) -> DraftModel | None:
    (lease,) = [effect.answer for effect in effects if isinstance(effect, Grant)]
    assert lease is not None
    return getattr(lease, "draft_model", None)


def test_a_lease_says_which_draft_model_was_asked_for() -> None:
    story = Story()
    story.loaded(by_hand("big"))
    assert draft_of(story.lease("big", Draft(SMALL, 10))) == Draft(SMALL, 10).model
    assert draft_of(story.lease("big", None)) is None


def test_those_who_wait_for_the_model_get_the_draft_model_each_asked_for() -> None:
    story = Story()
    story.lease("big", Draft(SMALL, 10), jit("big"))
    story.lease("big", None)
    granted = [e.answer for e in story.state.reported(1, ready(), 0.0) if isinstance(e, Grant)]
    assert [getattr(lease, "draft_model", None) for lease in granted] == [Draft(SMALL, 10).model, None]


def test_one_that_does_not_fit_beside_its_model_is_refused() -> None:
    story = Story()
    story.loaded(by_hand("big"))
    (refusal,) = [e for e in story.lease("big", Draft(SMALL, 1000), free=999) if isinstance(e, Refuse)]
    assert isinstance(refusal.error, NotEnoughMemory)
    assert "“small”" in refusal.error.message


def test_one_that_is_there_is_not_counted_again() -> None:
    story = Story()
    story.loaded(by_hand("big"))
    story.lease("big", Draft(SMALL, 1000), free=1000)
    assert draft_of(story.lease("big", Draft(SMALL, 1000), free=0)) is not None
    assert draft_of(story.lease("big", Draft(TINY, 1500), free=500)) is not None, "it takes the other's place"


def test_one_that_was_loaded_with_the_model_is_not_counted_again() -> None:
    story = Story()
    story.loaded(replace(by_hand("big", need_bytes=1100), draft=Draft(SMALL, 1000)))
    assert draft_of(story.lease("big", Draft(SMALL, 1000), free=0)) is not None


def test_a_model_is_not_loaded_where_its_draft_model_does_not_fit_too() -> None:
    story = Story()
    effects = story.lease("big", Draft(SMALL, 600), jit("big", need_bytes=500), free=1000)
    assert not [effect for effect in effects if isinstance(effect, Start)]
    assert [effect for effect in effects if isinstance(effect, Refuse)]
    effects = story.lease("big", Draft(SMALL, 500), jit("big", need_bytes=500), free=1000)
    assert [effect for effect in effects if isinstance(effect, Start)]


def test_what_it_takes_counts_as_the_models() -> None:
    story = Story()
    story.loaded(by_hand("big"))
    (before,) = story.state.rows(0.0, 0)
    story.lease("big", Draft(SMALL, 1000))
    (after,) = story.state.rows(0.0, 0)
    assert after.memory_bytes - before.memory_bytes == 1000
