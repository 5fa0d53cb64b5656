"""What a request may ask of an answer beside its text, over real models of every kind of memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.config.load import LoadConfig
from lms.engine.batch import Batch, Measured, Rolled, Sampled
from lms.engine.llama import LlamaModel
from lms.engine.overflow import Window
from lms.engine.prompts import PromptReader
from lms.engine.protocol import EngineSpec
from lms.engine.scheduler import Limits
from lms.generation.constraint import Regex
from lms.generation.events import Finished
from lms.generation.request import DEFAULT_SAMPLING, GenerateRequest, InfillPrompt, Sampling
from tests.engine.kinds import KINDS
from tests.engine.models import thinking, with_gaps
from tests.engine.processes import EngineProcess, bundled, started
from tests.engine.rig import chat, written
from tests.engine.test_llama_kinds import tokens

GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0).over(DEFAULT_SAMPLING)
PROMPT = tokens(3, 120)
ANSWER_TOKENS = 12


def loaded(path: str, config: LoadConfig | None = None) -> LlamaModel:
    return LlamaModel(EngineSpec("llama", path, "m", "m", "", config or LoadConfig(1024, 2)), lambda progress: None)


@pytest.fixture(scope="module", params=[*KINDS, "plain"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaModel]:
    path = tmp_path_factory.mktemp("kinds") / "model.gguf"
    model = loaded(bundled("tiny-chat") if request.param == "plain" else str(KINDS[request.param](path)))
    yield model
    model.close()


def greedy(model: LlamaModel, prompt: list[int]) -> tuple[list[int], list[float]]:
    """The likeliest answer, and how likely each of its tokens was."""
    batch = Batch(model.decoder(), Limits(512, 512))
    batch.reset()
    batch.insert(1, prompt, GREEDY, logprobs=0)
    drawn: list[int] = []
    likely: list[float] = []
    while len(drawn) < ANSWER_TOKENS:
        for outcome in batch.step():
            if isinstance(outcome, Sampled):
                drawn += outcome.tokens
                likely += [likelihood.logprob for likelihood in outcome.likelihoods]
    batch.remove(1)
    return drawn, likely


def test_a_prompt_is_as_likely_as_it_was_when_it_was_drawn(model: LlamaModel) -> None:
    """Also in small pieces, and although another sequence began alike and is in memory."""
    drawn, likely = greedy(model, PROMPT)
    batch = Batch(model.decoder(), Limits(64, 64))
    batch.reset()
    batch.insert(1, PROMPT, GREEDY)
    batch.step()
    batch.insert(2, PROMPT + drawn, GREEDY, logprobs=1, measures=True)
    measured: list[float] = []
    while len(measured) < len(PROMPT + drawn) - 1:
        measured += [
            likelihood.logprob
            for outcome in batch.step()
            if isinstance(outcome, Measured)
            for likelihood in outcome.likelihoods
        ]
    batch.reset()
    assert measured[-ANSWER_TOKENS:] == pytest.approx(likely, abs=0.05)


def test_what_outgrows_its_window_goes_on_as_if_it_had_been_asked_without_the_middle(model: LlamaModel) -> None:
    window = Window(200, 16)
    batch = Batch(model.decoder(), Limits(512, 512))
    batch.reset()
    batch.insert(1, PROMPT, GREEDY, window=window)
    said, after = list(PROMPT), list[int]()
    asked: list[int] | None = None
    while len(after) < ANSWER_TOKENS:
        for outcome in batch.step():
            match outcome:
                case Rolled(_, left_out):
                    asked = window.without_middle(said)
                    assert len(said) - left_out == len(asked)
                case Sampled(_, drawn):
                    said += drawn
                    after += drawn if asked else []
    batch.remove(1)
    assert asked is not None
    assert after[:ANSWER_TOKENS] == greedy(model, asked)[0][: len(after)]


def test_tokens_that_were_guessed_are_as_likely_as_others() -> None:
    model = loaded(bundled("tiny-chat"))
    again = tokens(5, 20) * 6
    batch = Batch(model.decoder(), Limits(512, 512), speculates=True)
    batch.insert(1, again, GREEDY, logprobs=2)
    sampled: list[Sampled] = []
    while sum(len(outcome.tokens) for outcome in sampled) < 3 * ANSWER_TOKENS:
        sampled += [outcome for outcome in batch.step() if isinstance(outcome, Sampled)]
    batch.remove(1)
    drawn, likely = greedy(model, again)
    assert any(len(outcome.tokens) > 1 for outcome in sampled)
    assert [token for outcome in sampled for token in outcome.tokens][:ANSWER_TOKENS] == drawn
    told = [likelihood.logprob for outcome in sampled for likelihood in outcome.likelihoods]
    assert told[:ANSWER_TOKENS] == pytest.approx(likely, abs=0.05)
    assert len(told) == sum(len(outcome.tokens) for outcome in sampled)
    model.close()


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    folder = tmp_path_factory.mktemp("t")
    path, socket_path = str(thinking(folder)), str(folder / "engine.sock")
    with started(EngineSpec("llama", path, "thinker", "thinker", socket_path, LoadConfig(512, 1))) as engine:
        engine.wait_ready()
        yield engine


@pytest.mark.parametrize("budget", [0, 7])
@pytest.mark.parametrize("constraint", [None, Regex("(yes|no)!")], ids=["free", "constrained"])
def test_a_budget_ends_reasoning_and_a_constraint_holds_for_what_follows(
    thinker: EngineProcess, budget: int, constraint: Regex | None
) -> None:
    endless = Sampling(temperature=0.0, logit_bias={0: -100.0, 2: -100.0})
    request = chat("Go on.", sampling=endless, reasoning_budget=budget, constraint=constraint, max_tokens=40)
    events = thinker.ask(request)
    finished = events[-1]
    assert isinstance(finished, Finished), finished
    assert budget <= finished.usage.reasoning <= budget + 8
    assert written(events)
    if constraint:
        assert written(events) in ("yes!", "no!")


def test_gaps_are_filled_by_models_that_have_tokens_for_them(tmp_path: Path) -> None:
    model = loaded(str(with_gaps(tmp_path, 900, 901, 902)))
    assert model.vocabulary.infill == (900, 901, 902)
    prepared = PromptReader(model).prepare(GenerateRequest(InfillPrompt("Say this", "a test!")))
    plain = [model.vocabulary.tokenize(text, add_special=False) for text in ("Say this", "a test!")]
    start = prepared.tokens.index(900)
    assert prepared.tokens[start:] == [900, *plain[0], 901, *plain[1], 902]
    model.close()


def test_a_model_without_such_tokens_has_none() -> None:
    model = loaded(bundled("tiny-chat"))
    assert model.vocabulary.infill is None
    model.close()
