"""Draft models through a worker over the fake model: what is answered, and what is told of it."""

from itertools import pairwise

import pytest

from lms.config.load import LoadConfig
from lms.engine.fake import FakeModel
from lms.engine.protocol import EngineSpec
from lms.engine.worker import Worker
from lms.errors import EngineFailed
from lms.generation.events import Failed, TextDelta
from lms.generation.request import DraftModel
from lms.logbus.records import LogData, PredictionOutput, RuntimeLog
from tests.engine.rig import FakeClock, Rig

RIGHT, WRONG = DraftModel("right", "/right.gguf"), DraftModel("wrong", "/wrong.gguf")


def rig(own: DraftModel | None = None, config: LoadConfig | None = None) -> Rig:
    clock, published = FakeClock(), list[LogData]()
    spec = EngineSpec("fake", "/fake.gguf", "fake", "fake", "", config or LoadConfig(), draft_model=own)
    return Rig(Worker(spec, FakeModel(spec, clock.spend), published.append, clock), clock, published)


@pytest.mark.parametrize("draft", [None, RIGHT, WRONG])
def test_what_is_answered_does_not_depend_on_the_draft_model(draft: DraftModel | None) -> None:
    served = rig()
    served.ask(1, "count to 50", draft_model=draft)
    served.run()
    assert served.text(1) == " ".join(str(number) for number in range(1, 51))


def test_a_good_draft_model_is_accepted_and_named_in_the_figures() -> None:
    served = rig()
    served.ask(1, "count to 50", draft_model=RIGHT)
    served.run()
    stats = served.finished(1).stats
    assert stats.draft_model == "right"
    assert stats.drafts.accepted > served.finished(1).usage.completion / 4
    assert stats.drafts.rejected == 0


def test_without_one_none_is_named() -> None:
    served = rig()
    served.ask(1, "count to 5")
    served.run()
    assert (served.finished(1).stats.draft_model, served.finished(1).stats.drafts.total) == (None, 0)


def test_the_one_that_was_loaded_with_the_model_guesses_for_all() -> None:
    served = rig(own=RIGHT)
    served.ask(1, "count to 50")
    served.run()
    assert served.finished(1).stats.draft_model == "right"


def test_a_request_may_name_another() -> None:
    served = rig(own=RIGHT)
    served.ask(1, "count to 50", draft_model=WRONG)
    served.run()
    assert served.finished(1).stats.draft_model == "wrong"


def test_one_that_others_use_is_not_replaced_and_the_log_says_so() -> None:
    served = rig()
    served.ask(1, "count to 50", draft_model=RIGHT)
    served.ask(2, "count to 50", draft_model=WRONG)
    served.run()
    assert served.finished(1).stats.draft_model == "right"
    assert served.finished(2).stats.draft_model is None
    (warning,) = [data for data in served.published if isinstance(data, RuntimeLog)]
    assert "right" in warning.message
    assert "wrong" in warning.message


def test_after_a_pass_of_the_draft_model_that_failed_it_guesses_again() -> None:
    spec = EngineSpec("fake", "/fake.gguf", "fake", "fake", "", LoadConfig(), draft_model=RIGHT)
    failures = list[EngineFailed]()

    def spend(_: int) -> None:
        if failures:
            raise failures.pop()

    served = Rig(Worker(spec, FakeModel(spec, spend), lambda data: None), FakeClock(), [])
    served.ask(1, "write for ever")
    while not any(isinstance(event, TextDelta) for event in served.events.get(1, [])):
        served.step()
    failures.append(EngineFailed("The next pass failed."))
    served.step()
    assert isinstance(served.events[1][-1], Failed)
    served.ask(2, "count to 50")
    served.run()
    assert served.text(2) == " ".join(str(number) for number in range(1, 51))
    assert served.finished(2).stats.draft_model == "right"


def test_the_log_has_the_figures() -> None:
    served = rig()
    served.ask(1, "count to 50", draft_model=RIGHT)
    served.run()
    (output,) = [data for data in served.published if isinstance(data, PredictionOutput)]
    assert output.stats is not None
    assert output.stats.used_draft_model_key == "right"
    assert output.stats.total_draft_tokens_count == served.finished(1).stats.drafts.total


def test_a_long_prompt_is_read_by_the_draft_model_without_stopping_other_answers() -> None:
    served = rig(config=LoadConfig(context_length=8192))
    served.ask(1, "write for ever", max_tokens=400)
    for _ in range(100):
        served.step()
    served.ask(2, "x" * 3000, max_tokens=20, draft_model=RIGHT)
    served.run()
    stamps = served.stamps[1]
    assert max(later - earlier for earlier, later in pairwise(stamps)) < 0.25
