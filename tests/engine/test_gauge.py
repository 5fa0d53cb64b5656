"""What an engine says of answers that are not finished."""

from lms.logbus.records import AnswersInWork
from tests.engine.rig import Rig, rig

WRITES_ON = "write for ever"


def said(rig: Rig) -> list[AnswersInWork]:
    return [data for data in rig.published if isinstance(data, AnswersInWork)]


def run_for(rig: Rig, seconds: float) -> None:
    """Of the fake model's clock, to which each token of a pass adds a millisecond."""
    end_s = rig.clock.now_s + seconds
    while rig.clock.now_s < end_s:
        rig.step()


def test_a_long_answer_is_told_of_once_a_second() -> None:
    working = rig()
    working.ask(1, WRITES_ON)
    run_for(working, 3.5)
    first, second, third = said(working)
    assert 0 < first.predicted_tokens_count < second.predicted_tokens_count < third.predicted_tokens_count
    assert second.context_tokens_count > second.predicted_tokens_count
    assert 900 < second.tokens_per_second <= 1001


def test_the_answers_of_a_model_are_told_of_together() -> None:
    working = rig()
    for number in range(3):
        working.ask(number, WRITES_ON)
    run_for(working, 3.5)
    last = said(working)[-1]
    assert last.predicted_tokens_count > 2.5 * (last.context_tokens_count - 100)
    assert last.tokens_per_second > 900


def test_a_short_answer_is_not_told_of() -> None:
    working = rig()
    working.ask(1, "hello")
    working.run()
    assert not said(working)


def test_a_pause_does_not_make_it_slow() -> None:
    working = rig()
    working.ask(1, "hello")
    working.run()
    working.clock.now_s += 3600
    working.ask(2, WRITES_ON)
    run_for(working, 1.5)
    [only] = said(working)
    assert only.tokens_per_second > 800
