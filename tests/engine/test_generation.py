"""What a request may ask of an answer beside its text, over the fake model: every byte is a token of its own."""

import math

import pytest

from lms.config.load import LoadConfig
from lms.engine.fake import END, FAVOUR, FakeModel
from lms.engine.prompts import PromptReader
from lms.engine.protocol import EngineSpec
from lms.errors import InvalidRequest, PromptTooLong, Unsupported
from lms.generation.events import Finished, ReasoningDelta, TextDelta, TokenLogprob
from lms.generation.messages import Message
from lms.generation.request import (
    ChatPrompt,
    GenerateRequest,
    InfillPrompt,
    Overflow,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from tests.engine.rig import Rig, chat, rig, written

LIKELY = math.log(FAVOUR / (FAVOUR + END))
EVEN = -math.log(END + 1)


def answered(request: GenerateRequest, config: LoadConfig | None = None) -> Rig:
    served = rig(config)
    served.worker.submit(1, request)
    served.run()
    return served


def told(served: Rig, uid: int = 1) -> list[TokenLogprob]:
    return [token for event in served.events[uid] if isinstance(event, TextDelta) for token in event.logprobs]


def test_each_token_comes_with_its_probability_and_the_end_too() -> None:
    tokens = told(answered(chat("count to 12", logprobs=2)))
    assert b"".join(token.token for token in tokens) == b"1 2 3 4 5 6 7 8 9 10 11 12"
    assert tokens[-1].token == b""
    assert {round(token.logprob or 0, 5) for token in tokens} == {round(LIKELY, 5)}
    assert [(token.top[0].token, len(token.top)) for token in tokens[:2]] == [(b"1", 2), (b" ", 2)]


def test_the_end_comes_last_also_where_text_was_held_back() -> None:
    tokens = told(answered(chat("count to 5", logprobs=0, stop=("5 6",))))
    assert b"".join(token.token for token in tokens) == b"1 2 3 4 5"
    assert [token.token for token in tokens[-2:]] == [b"5", b""]


def test_nothing_is_told_that_nobody_asked_for() -> None:
    assert told(answered(chat("count to 12"))) == []


def test_what_a_stop_string_takes_away_has_no_tokens() -> None:
    tokens = told(answered(chat("count to 9", logprobs=0, stop=("4 5",))))
    assert b"".join(token.token for token in tokens) == b"1 2 3 "


def test_only_the_answer_is_told_about_and_not_the_reasoning() -> None:
    assert b"".join(token.token for token in told(answered(chat("think first: yes", logprobs=0)))) == b"yes"


def test_tokens_that_were_guessed_ahead_have_theirs() -> None:
    """Where passes cost nothing, everything is guessed."""
    text = "again and again and again and again"
    drafted = rig(LoadConfig(speculation="ngram"), free=True)
    drafted.ask(1, text, logprobs=3)
    drafted.run()
    assert drafted.finished(1).stats.drafts.accepted
    assert told(drafted) == told(answered(chat(text, logprobs=3)))


@pytest.mark.parametrize("prompt", [TextPrompt("abcd"), TokenPrompt(tuple(b"abcd"))])
def test_an_echo_begins_the_answer(prompt: TextPrompt | TokenPrompt) -> None:
    served = answered(GenerateRequest(prompt, max_tokens=3, echo=True))
    assert served.text(1) == "abcd1 2"
    assert (served.finished(1).usage.prompt, served.finished(1).usage.completion) == (4, 3)


def test_nothing_but_an_echo_can_be_asked_for() -> None:
    served = answered(GenerateRequest(TextPrompt("abcd"), max_tokens=0, echo=True))
    assert served.text(1) == "abcd"
    assert served.finished(1).reason == "maxPredictedTokensReached"
    assert served.finished(1).usage.completion == 0


def test_an_echo_tells_how_likely_the_prompt_was() -> None:
    tokens = told(answered(GenerateRequest(TextPrompt("abcd"), max_tokens=1, echo=True, logprobs=1)))
    assert [token.token for token in tokens] == [b"a", b"b", b"c", b"d", b"1"]
    assert tokens[0].logprob is None
    assert [token.logprob for token in tokens[1:]] == pytest.approx([EVEN, EVEN, EVEN, LIKELY])


def test_a_long_prompt_is_told_about_whole_beside_others_and_although_memory_held_it() -> None:
    """The fake decoder refuses a pass with more outputs than it has room for."""
    served = rig(LoadConfig(parallel=2, context_length=1024))
    prompt = GenerateRequest(TextPrompt("x" * 500), max_tokens=1, echo=True, logprobs=0)
    served.ask(9, "write for ever", max_tokens=200)
    for uid in (1, 2, 3):
        served.worker.submit(uid, prompt)
    served.run()
    for uid in (1, 2, 3):
        assert [token.logprob for token in told(served, uid)][1:] == pytest.approx([EVEN] * 499 + [LIKELY])
        assert served.finished(uid).usage.cached == 0


def test_a_prompt_that_was_put_off_is_told_about_once() -> None:
    served = rig(LoadConfig(parallel=2, context_length=160))
    served.ask(1, "write for ever", max_tokens=100)
    served.step()
    served.worker.submit(2, GenerateRequest(TextPrompt("y" * 50), max_tokens=90, echo=True, logprobs=0))
    served.run()
    assert len(told(served, 2)) == 50 + 90
    assert served.text(2) == "y" * 50 + " ".join(map(str, range(1, 50)))[:90]


def test_an_infill_has_both_sides_of_the_gap() -> None:
    served = answered(GenerateRequest(InfillPrompt("before", "after"), max_tokens=4))
    assert served.text(1) == "1 2 "
    assert served.finished(1).usage.prompt == len("before") + len("after") + 3


def test_a_model_without_gaps_refuses_to_fill_one() -> None:
    model = FakeModel(EngineSpec("fake", "", "fake", "fake", "", LoadConfig()))
    model.vocabulary.infill = None
    with pytest.raises(Unsupported) as refused:
        PromptReader(model).prepare(GenerateRequest(InfillPrompt("a", "b")))
    assert refused.value.param == "suffix"


def test_a_bias_for_no_token_of_the_model_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="257 is no token") as refused:
        rig().worker.submit(1, chat("hi", sampling=Sampling(logit_bias={257: 1.0})))
    assert refused.value.param == "logit_bias"


@pytest.mark.parametrize("budget", [0, 5, 11])
def test_reasoning_ends_with_its_budget_and_the_answer_goes_on(budget: int) -> None:
    served = answered(chat("think first: yes", reasoning_budget=budget))
    thought = "".join(event.text for event in served.events[1] if isinstance(event, ReasoningDelta))
    assert thought == "The user wants yes."[:budget] + "\n"
    assert served.text(1) == "The user wants yes."[budget:].lstrip() + "</think>yes"


def test_reasoning_within_its_budget_is_left_alone() -> None:
    assert answered(chat("think first: yes", reasoning_budget=100)).text(1) == "yes"


CONVERSATION = ChatPrompt(
    (
        Message("system", "S" * 20),
        Message("user", "first " + "a" * 30),
        Message("assistant", "b" * 30),
        Message("user", "c" * 60),
        Message("assistant", "d" * 60),
        Message("user", "count to 5"),
    )
)


@pytest.mark.parametrize("policy", [None, "refuse", "stopAtLimit"])
def test_a_conversation_too_long_is_refused_unless_it_may_be_cut(policy: Overflow | None) -> None:
    with pytest.raises(PromptTooLong, match="the context holds 256"):
        rig(LoadConfig(context_length=256)).worker.submit(1, GenerateRequest(CONVERSATION, overflow=policy))


@pytest.mark.parametrize(("policy", "first"), [("truncateMiddle", True), ("rollingWindow", False)])
def test_a_conversation_loses_whole_turns_and_says_how_much(policy: Overflow, first: bool) -> None:
    served = answered(GenerateRequest(CONVERSATION, overflow=policy), LoadConfig(context_length=256))
    asked = served.published[0].input  # type: ignore[union-attr]
    assert ("first" in asked, "S" * 20 in asked, "c" * 60 in asked) == (first, True, False)
    assert served.text(1) == "1 2 3 4 5"
    finished = served.finished(1)
    assert finished.usage.prompt + finished.stats.truncated_tokens == len(whole())


def whole() -> str:
    served = answered(GenerateRequest(CONVERSATION, max_tokens=1), LoadConfig(context_length=4096))
    return str(served.published[0].input)  # type: ignore[union-attr]


def test_a_model_may_be_loaded_to_cut_and_a_request_may_refuse_that() -> None:
    config = LoadConfig(context_length=256, overflow="truncateMiddle")
    assert answered(GenerateRequest(CONVERSATION), config).text(1) == "1 2 3 4 5"
    with pytest.raises(PromptTooLong):
        rig(config).worker.submit(1, GenerateRequest(CONVERSATION, overflow="refuse"))


@pytest.mark.parametrize("prompt", [TextPrompt("a" * 50 + "b" * 50), TokenPrompt(tuple(b"a" * 50 + b"b" * 50))])
@pytest.mark.parametrize(("policy", "first"), [("truncateMiddle", 30), ("rollingWindow", 10)])
def test_a_text_too_long_loses_tokens(prompt: TextPrompt | TokenPrompt, policy: Overflow, first: int) -> None:
    served = answered(GenerateRequest(prompt, max_tokens=4, overflow=policy), LoadConfig(context_length=64))
    assert served.finished(1).usage.prompt == 60
    assert served.finished(1).stats.truncated_tokens == 40
    left = "a" * first + "b" * (60 - first)
    asked = served.published[0].input  # type: ignore[union-attr]
    assert asked == (left if isinstance(prompt, TextPrompt) else str(list(left.encode())))


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("speculation", ["off", "ngram"])
@pytest.mark.parametrize("policy", ["truncateMiddle", "rollingWindow"])
def test_an_answer_may_be_longer_than_the_context(policy: Overflow, speculation: str, split: bool) -> None:
    """The fake decoder checks what memory holds: an error in what stays there would be one here."""
    config = LoadConfig(context_length=128, parallel=2, speculation=speculation, unified_kv=not split)  # type: ignore[arg-type]
    served = rig(config)
    for uid in (1, 2):
        served.ask(uid, f"for {uid}, write for ever", max_tokens=700, overflow=policy)
    served.run()
    for uid in (1, 2):
        assert served.text(uid) == "".join(f"{number} " for number in range(1, 300))[:700]
        assert served.finished(uid).reason == "maxPredictedTokensReached"
        assert served.finished(uid).stats.truncated_tokens > 500


def test_an_answer_that_may_not_ends_with_the_context() -> None:
    served = answered(chat("write for ever", overflow="stopAtLimit"), LoadConfig(context_length=64))
    assert served.finished(1).reason == "contextLengthReached"
    assert isinstance(served.events[1][-1], Finished)
    assert len(written(served.events[1])) == 64 - served.finished(1).usage.prompt
