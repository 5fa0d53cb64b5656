import itertools

import pytest

from lms.config.load import LoadConfig
from lms.engine.batch import FRESH_TOKENS
from lms.engine.fake import FakeModel
from lms.engine.pace import BESIDE_ANSWERS_S
from lms.engine.protocol import EngineSpec
from lms.engine.worker import Worker
from lms.errors import PromptTooLong, QueueFull, Unsupported
from lms.generation.events import Embedded, Failed, Finished, PromptProgress, ReasoningDelta
from lms.generation.request import EmbedRequest, GenerateRequest, TextPrompt, TokenPrompt
from lms.logbus.records import EmbeddingOutput, PredictionInput, PredictionOutput
from tests.engine.rig import TOKEN_S, chat, rig, written


def test_an_answer_ends_where_the_model_ends_it() -> None:
    served = rig()
    served.ask(1, "count to 3")
    served.run()
    assert served.text(1) == "1 2 3"
    assert served.finished(1).reason == "eosFound"


def test_max_tokens_ends_an_answer() -> None:
    served = rig()
    served.ask(1, "write for ever", max_tokens=5)
    served.run()
    assert served.finished(1).reason == "maxPredictedTokensReached"
    assert served.finished(1).usage.completion == 5


def test_without_max_tokens_an_answer_ends_with_the_context() -> None:
    served = rig(LoadConfig(context_length=64))
    served.ask(1, "write for ever")
    served.run()
    finished = served.finished(1)
    assert finished.reason == "contextLengthReached"
    assert finished.usage.prompt + finished.usage.completion == 64


def test_a_stop_string_ends_an_answer_and_no_part_of_it_is_shown() -> None:
    served = rig()
    served.ask(1, "count to 9", stop=("4 5",))
    served.run()
    assert served.text(1) == "1 2 3 "
    assert (served.finished(1).reason, served.finished(1).stop_string) == ("stopStringFound", "4 5")


def test_reasoning_is_told_from_the_answer_and_counted() -> None:
    served = rig()
    served.ask(1, "think first: yes")
    served.run()
    thought = "".join(event.text for event in served.events[1] if isinstance(event, ReasoningDelta))
    assert (thought, served.text(1)) == ("The user wants yes.", "yes")
    assert served.finished(1).usage.reasoning > len(thought)


def test_reasoning_stays_inline_where_it_is_wanted_so() -> None:
    served = rig()
    served.ask(1, "think first: yes", split_reasoning=False)
    served.run()
    assert served.text(1) == "<think>The user wants yes.</think>yes"


def test_figures_are_measured_on_the_engines_clock() -> None:
    served = rig()
    served.ask(1, "count to 3")
    served.run()
    stats, usage = served.finished(1).stats, served.finished(1).usage
    assert stats.time_to_first_token_s == pytest.approx(usage.prompt * TOKEN_S)
    assert stats.generation_time_s == pytest.approx(usage.completion * TOKEN_S)
    assert stats.tokens_per_second == pytest.approx(1 / TOKEN_S)


def test_waiting_in_the_queue_counts_towards_the_first_token() -> None:
    served = rig(LoadConfig(parallel=1))
    served.ask(1, "count to 30")
    served.ask(2, "hi")
    served.run()
    assert served.finished(2).stats.time_to_first_token_s > served.finished(1).stats.generation_time_s


def test_a_running_answer_never_waits_longer_than_one_chunk_of_a_long_prompt() -> None:
    """Eight streams, one of them leaves half-way, and a long prompt arrives in between."""
    served = rig(LoadConfig(parallel=9, context_length=8192))
    for uid in range(8):
        served.ask(uid, "count to 60")
    for _ in range(40):
        served.step()
    served.worker.cancel(3)
    served.ask(9, "long " * 400)
    served.run()
    expected = " ".join(map(str, range(1, 61)))
    for uid in (0, 1, 2, 4, 5, 6, 7):
        stamps = [stamp for stamp in served.stamps[uid] if stamp > served.stamps[uid][0]]
        gaps = [later - earlier for earlier, later in itertools.pairwise(stamps[8:])]
        assert max(gaps) <= BESIDE_ANSWERS_S + 9 * TOKEN_S
        assert served.text(uid) == expected
    assert served.text(9).startswith("You said: long")
    assert not any(isinstance(event, Finished) for event in served.events[3])


def test_cancelling_while_the_prompt_is_processed_frees_the_slot_before_the_next_pass() -> None:
    served = rig(LoadConfig(parallel=1))
    served.ask(1, "long " * 700)
    served.step()
    served.worker.cancel(1)
    assert not served.worker.is_busy
    assert served.worker.activity.state == "idle"


def test_the_second_turn_processes_only_what_is_new() -> None:
    served = rig()
    served.ask(1, "a question that is long enough to matter")
    served.run()
    served.ask(2, "a question that is long enough to matter")
    served.run()
    first, second = served.finished(1).usage, served.finished(2).usage
    assert (first.cached, second.cached) == (0, second.prompt - FRESH_TOKENS)


def test_a_prompt_over_the_context_is_refused_with_both_numbers() -> None:
    served = rig(LoadConfig(context_length=32))
    with pytest.raises(PromptTooLong, match=r"has \d+ tokens, and the context holds 32"):
        served.ask(1, "x" * 100)


def test_the_queue_takes_no_more_than_its_limit() -> None:
    served = rig(LoadConfig(parallel=1), queue_limit=2)
    for uid in range(3):  # one for the slot, two that wait
        served.ask(uid, "hi")
    with pytest.raises(QueueFull, match="2 requests waiting"):
        served.ask(3, "hi")


def test_a_raw_prompt_is_continued_without_a_template() -> None:
    served = rig()
    served.worker.submit(1, GenerateRequest(TextPrompt("abc"), max_tokens=3))
    served.worker.submit(2, GenerateRequest(TokenPrompt((97, 98, 99)), max_tokens=3))
    served.run()
    assert served.text(1) == served.text(2) == "1 2"[:3]
    assert served.finished(1).usage.prompt == 3


def test_the_log_shows_the_whole_prompt_and_the_whole_answer_with_its_figures() -> None:
    served = rig()
    served.ask(1, "hi")
    served.run()
    asked, answered = served.published
    assert isinstance(asked, PredictionInput)
    assert asked.input == "<|user|>hi\n<|model|>"
    assert isinstance(answered, PredictionOutput)
    assert answered.output == "You said: hi"
    assert answered.stats is not None
    assert answered.stats.stop_reason == "eosFound"


def test_a_cancelled_answer_is_logged_as_stopped_by_the_user() -> None:
    served = rig()
    served.ask(1, "write for ever")
    served.step()
    served.worker.cancel(1)
    answered = served.published[-1]
    assert isinstance(answered, PredictionOutput)
    assert answered.stats is not None
    assert answered.stats.stop_reason == "userStopped"


def test_embeddings_come_in_the_order_of_their_inputs_with_the_tokens_counted() -> None:
    served = rig(embedding=True)
    served.worker.submit(1, EmbedRequest(("one", "three", (1, 2))))
    served.worker.submit(2, EmbedRequest(("three",)))
    happened = dict(served.worker.step())
    first, second = happened[1][0], happened[2][0]
    assert isinstance(first, Embedded)
    assert isinstance(second, Embedded)
    assert (first.prompt_tokens, second.prompt_tokens) == (10, 5)
    assert first.vectors[1] == second.vectors[0]
    assert not served.worker.is_busy


def test_many_inputs_take_several_passes_and_none_is_lost() -> None:
    served = rig(embedding=True)
    served.worker.submit(1, EmbedRequest(tuple(f"text {n}" for n in range(300))))
    served.run()
    embedded = served.events[1][0]
    assert isinstance(embedded, Embedded)
    assert len(set(embedded.vectors)) == 300


def test_embeddings_are_logged_with_their_tokens() -> None:
    served = rig(embedding=True)
    served.worker.submit(1, EmbedRequest(("one", "two three")))
    served.run()
    embedded = served.events[1][0]
    assert isinstance(embedded, Embedded)
    assert served.published == [EmbeddingOutput("fake", embedded.prompt_tokens)]


def test_a_text_too_long_to_embed_names_its_place() -> None:
    served = rig(LoadConfig(context_length=8), embedding=True)
    with pytest.raises(PromptTooLong) as refused:
        served.worker.submit(1, EmbedRequest(("short", "much too long")))
    assert refused.value.param == "input[1]"


def test_each_kind_of_model_refuses_the_others_work() -> None:
    with pytest.raises(Unsupported, match="generates text"):
        rig().worker.submit(1, EmbedRequest(("x",)))
    with pytest.raises(Unsupported, match="embedding model"):
        rig(embedding=True).worker.submit(1, chat("x"))


def test_progress_is_told_before_the_answer_begins() -> None:
    served = rig()
    served.ask(1, "hi")
    served.run()
    assert isinstance(served.events[1][0], PromptProgress)
    assert written(served.events[1]) == "You said: hi"


def test_a_pass_that_fails_in_any_way_ends_its_requests_and_not_the_engine() -> None:
    spec = EngineSpec("fake", "none", "fake", "fake", "", LoadConfig())
    broken = Worker(spec, FakeModel(spec, fail), lambda data: None)
    broken.submit(1, chat("hi"))
    ((uid, (failed,)),) = broken.step()
    assert uid == 1
    assert isinstance(failed, Failed)
    assert "ZeroDivisionError" in failed.error["message"]
    assert not broken.is_busy


def fail(tokens: int) -> None:
    raise ZeroDivisionError


def test_megabytes_are_refused_without_counting_their_tokens() -> None:
    served = rig()
    with pytest.raises(PromptTooLong, match=r"at least \d+ tokens"):
        served.ask(1, "x" * 1_000_000)


def test_a_short_request_does_not_wait_for_all_inputs_of_a_long_one() -> None:
    served = rig(embedding=True)
    served.worker.submit(1, EmbedRequest(tuple(f"text {n}" for n in range(1000))))
    served.worker.submit(2, EmbedRequest(("short",)))
    served.step()
    assert list(served.events) == [2]


def test_progress_is_told_once_although_a_prompt_is_put_off_and_processed_again() -> None:
    served = rig(LoadConfig(parallel=2, context_length=160))
    served.ask(1, "count to 40")
    served.ask(2, "then count to 40")
    served.run()
    for uid in (1, 2):
        told = [event.processed for event in served.events[uid] if isinstance(event, PromptProgress)]
        assert told == sorted(set(told))
