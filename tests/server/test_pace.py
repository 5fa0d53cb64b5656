"""How models fare, as the log tells it."""

from lms.client.control import Pace
from lms.logbus.records import AnswersInWork, EmbeddingOutput, LogData, OutputStats, PredictionOutput, ServerLog, record
from lms.server.internal.pace import Paces


def heard(*events: LogData) -> dict[str, Pace]:
    paces = Paces()
    for data in events:
        paces.heard(record(data))
    return {row.identifier: row for row in paces.rows()}


def answer(identifier: str, tokens: int, speed: float) -> PredictionOutput:
    stats = OutputStats(
        "eosFound", tokens_per_second=speed, predicted_tokens_count=tokens, total_tokens_count=tokens + 10
    )
    return PredictionOutput("…", identifier, stats)


def test_tokens_add_up_and_the_last_answer_says_how_fast() -> None:
    assert heard(answer("a", 5, 20.0), answer("b", 1, 3.0), answer("a", 7, 30.0)) == {
        "a": Pace("a", 2, 12, 30.0, 17),
        "b": Pace("b", 1, 1, 3.0, 11),
    }


def test_a_model_that_embeds_has_no_speed() -> None:
    assert heard(EmbeddingOutput("e", 3)) == {"e": Pace("e", 1)}


def test_what_is_no_answer_counts_nothing() -> None:
    assert heard(ServerLog("GET / 200", "info"), PredictionOutput("", "a")) == {}


def test_what_is_in_work_counts_as_far_as_it_has_come() -> None:
    assert heard(AnswersInWork("a", 30, 15.0, 900))["a"] == Pace("a", 0, 30, 15.0, 900)
    assert heard(AnswersInWork("a", 0, 0.0, 900))["a"] == Pace("a", 0, 0, None, 900)


def test_no_token_is_counted_twice_when_answers_end_or_go_on() -> None:
    two_in_work = AnswersInWork("a", 30, 15.0, 900)
    assert heard(answer("a", 5, 20.0), two_in_work)["a"].tokens == 35
    assert heard(answer("a", 5, 20.0), two_in_work, answer("a", 12, 20.0))["a"].tokens == 35
    assert heard(two_in_work, answer("a", 12, 20.0), AnswersInWork("a", 40, 15.0, 900))["a"].tokens == 52


def test_an_answer_that_has_ended_says_how_fast_it_was_itself() -> None:
    assert heard(AnswersInWork("a", 30, 15.0, 900), answer("a", 31, 16.0))["a"] == Pace("a", 1, 31, 16.0, 41)
