"""Whatever kind of memory a model has: nothing that is reused changes an answer.

The oracle is the same model that forgets everything after each answer.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from lms.config.load import LoadConfig
from lms.engine.batch import Batch, Progressed, Sampled
from lms.engine.llama import LlamaModel
from lms.engine.protocol import EngineSpec
from lms.engine.scheduler import Limits
from lms.engine.states import StateStore
from lms.generation.request import DEFAULT_SAMPLING, Sampling
from tests.engine.kinds import KINDS
from tests.engine.processes import bundled

GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0).over(DEFAULT_SAMPLING)
ANSWER_TOKENS = 12
PROMPT_TOKENS = 700

Tokens = list[int]


def tokens(seed: int, count: int) -> Tokens:
    return [int(token) for token in np.random.default_rng(seed).integers(5, 900, count)]


BEGINNING = tokens(0, PROMPT_TOKENS)
PROMPTS = [BEGINNING + tokens(seed, 30) for seed in range(1, 5)] + [tokens(9, 600), BEGINNING[:300], tokens(10, 40)]


@pytest.fixture(scope="module", params=[*KINDS, "plain", *(f"{kind} split" for kind in (*KINDS, "plain"))])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaModel]:
    kind, _, split = request.param.partition(" ")
    path = tmp_path_factory.mktemp("kinds") / f"{kind}.gguf"
    file = bundled("tiny-chat") if kind == "plain" else str(KINDS[kind](path))
    loaded = LlamaModel(
        EngineSpec("llama", file, kind, kind, "", LoadConfig(2048, 4, unified_kv=not split)), lambda progress: None
    )
    yield loaded
    loaded.close()


def answered(batch: Batch, prompts: list[Tokens]) -> tuple[list[Tokens], list[int]]:
    """The answers to prompts that arrive together, and how many tokens of each prompt were cached."""
    answers: list[Tokens] = [[] for _ in prompts]
    cached = [0] * len(prompts)
    for uid, prompt in enumerate(prompts):
        batch.insert(uid, prompt, GREEDY)
    while batch.running + batch.waiting:
        for outcome in batch.step():
            match outcome:
                case Progressed(uid, _, _, found):
                    cached[uid] = found
                case Sampled(uid, drawn):
                    answers[uid] += drawn
                    if len(answers[uid]) >= ANSWER_TOKENS:
                        batch.remove(uid)
    return [answer[:ANSWER_TOKENS] for answer in answers], cached


def forgetful(model: LlamaModel, prompts: list[Tokens]) -> list[Tokens]:
    """What the model says when it remembers nothing."""
    answers = []
    for prompt in prompts:
        batch = Batch(model.decoder(), Limits(512, 512))
        batch.reset()
        answers += answered(batch, [prompt])[0]
    return answers


def remembering(model: LlamaModel, stored_bytes: int, *, speculates: bool = False) -> Batch:
    decoder = model.decoder()
    batch = Batch(
        decoder, Limits(512, 128), StateStore(stored_bytes, divisible=decoder.states_divisible), speculates=speculates
    )
    batch.reset()
    return batch


@pytest.mark.parametrize("stored_bytes", [0, 64 << 20])
def test_an_answer_is_the_same_whatever_was_reused_for_it(model: LlamaModel, stored_bytes: int) -> None:
    expected = forgetful(model, PROMPTS)
    batch = remembering(model, stored_bytes)
    assert [answered(batch, [prompt])[0][0] for prompt in PROMPTS] == expected
    assert [answered(batch, [prompt])[0][0] for prompt in reversed(PROMPTS)] == expected[::-1]


@pytest.mark.parametrize("stored_bytes", [0, 64 << 20])
def test_prompts_that_arrive_together_get_the_answers_they_get_alone(model: LlamaModel, stored_bytes: int) -> None:
    assert answered(remembering(model, stored_bytes), PROMPTS)[0] == forgetful(model, PROMPTS)


def shares_beginnings(model: LlamaModel) -> bool:
    """A sliding window is copied from slot to slot as a whole only, so nothing else than a whole prompt is shared."""
    decoder = model.decoder()
    return decoder.states_divisible or not decoder.divisible or decoder.slot_cells == decoder.cells


def test_a_beginning_that_was_seen_is_not_processed_again(model: LlamaModel) -> None:
    batch = remembering(model, 64 << 20)
    answered(batch, [PROMPTS[0]])
    assert answered(batch, [PROMPTS[1]])[1][0] >= 512 * shares_beginnings(model)


def test_prompts_that_arrive_together_share_their_beginning(model: LlamaModel) -> None:
    _, cached = answered(remembering(model, 64 << 20), PROMPTS[:4])
    assert cached == [0, *[PROMPT_TOKENS * shares_beginnings(model)] * 3]


def test_what_memory_has_no_room_for_is_put_back_and_answered_the_same(model: LlamaModel) -> None:
    conversations = [tokens(seed, 900) for seed in (21, 22, 23, 24)]
    batch = remembering(model, 64 << 20)
    answers = [answered(batch, [conversation])[0][0] for conversation in conversations]
    turns = [said + answer + tokens(31, 5) for said, answer in zip(conversations, answers, strict=True)]
    found = [answered(batch, [turn]) for turn in turns]
    assert [cached for _, (cached,) in found] == [900 + ANSWER_TOKENS - 1] * 4
    assert [answer for (answer,), _ in found] == forgetful(model, turns)


def test_a_conversation_goes_on_where_it_was(model: LlamaModel) -> None:
    batch = remembering(model, 64 << 20)
    (first,), _ = answered(batch, [PROMPTS[0]])
    turn = PROMPTS[0] + first + tokens(77, 20)
    (second,), (cached,) = answered(batch, [turn])
    assert cached >= len(PROMPTS[0]) - 2
    assert second == forgetful(model, [turn])[0]


def test_guesses_change_nothing(model: LlamaModel) -> None:
    repetitive = tokens(3, 20) * 8
    assert answered(remembering(model, 0, speculates=True), [repetitive])[0] == forgetful(model, [repetitive])
