"""Draft models on llama.cpp. The bundled chat model guesses for one that says the same and takes several times as long;
with its weights shuffled it is always wrong."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lms.config.load import LoadConfig
from lms.engine.llama_draft import probability
from lms.engine.protocol import EngineSpec
from lms.generation.events import Event, Failed, Finished, Stats
from lms.generation.request import DraftModel, Sampling
from tests.engine import models
from tests.engine.kinds import KINDS
from tests.engine.processes import EngineProcess, frames, started
from tests.engine.rig import chat, written

QUESTIONS = ("Tell me a story about two servers.", "What does lms load do?", "Count to one hundred.")
TOKENS = 80
ENDLESS = {0: -100.0, 2: -100.0}  # the bundled model’s tokens that end an answer
GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0, logit_bias=ENDLESS)
SEEDED = Sampling(temperature=0.8, seed=5, logit_bias=ENDLESS)


def spec(folder: Path, **options: object) -> EngineSpec:
    path, socket = str(models.deepened(folder / "deep", 30)), str(folder / "engine.sock")
    config = LoadConfig(flash_attention=True)  # which rounds the same in passes of one token and of several
    return EngineSpec("llama", path, "deep", "deep", socket, config, cells=8192, **options)  # type: ignore[arg-type]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """A new one for each test: what others cost it would change what it guesses."""
    with started(spec(tmp_path)) as engine:
        engine.wait_ready()
        yield engine


@pytest.fixture(scope="module")
def shallow(tmp_path_factory: pytest.TempPathFactory) -> DraftModel:
    return DraftModel("shallow", str(models.deepened(tmp_path_factory.mktemp("m"), 0)))


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> DraftModel:
    return DraftModel("shuffled", str(models.scrambled(tmp_path_factory.mktemp("m"))))


def stats(events: list[Event]) -> Stats:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].stats


def ask(engine: EngineProcess, draft: DraftModel | None, said: str, sampling: Sampling) -> list[Event]:
    return engine.ask(chat(said, sampling=sampling, max_tokens=TOKENS, draft_model=draft))


@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
@pytest.mark.parametrize("said", QUESTIONS)
def test_a_draft_model_changes_nothing_in_what_is_said(
    engine: EngineProcess, shallow: DraftModel, shuffled: DraftModel, said: str, sampling: Sampling
) -> None:
    alone = written(ask(engine, None, said, sampling))
    assert written(ask(engine, shallow, said, sampling)) == alone
    assert written(ask(engine, shuffled, said, sampling)) == alone


def test_what_a_perfect_draft_model_guesses_is_accepted(engine: EngineProcess, shallow: DraftModel) -> None:
    """Without a bias of which it would know nothing."""
    unbiased = Sampling(temperature=0.0, repeat_penalty=1.0)
    told = [stats(ask(engine, shallow, said, unbiased)) for said in QUESTIONS]
    assert {one.draft_model for one in told} == {"shallow"}
    assert sum(one.drafts.accepted for one in told) > 0
    assert [(one.drafts.rejected, one.drafts.ignored) for one in told] == len(told) * [(0, 0)]


def test_a_draft_model_that_is_always_wrong_is_hardly_asked(engine: EngineProcess, shuffled: DraftModel) -> None:
    told = [stats(ask(engine, shuffled, said, GREEDY)) for said in QUESTIONS]
    assert sum(one.drafts.total for one in told) <= 24
    assert sum(one.drafts.accepted for one in told) <= 2


def test_answers_side_by_side_share_the_draft_model(engine: EngineProcess, shallow: DraftModel) -> None:
    alone = [written(ask(engine, None, said, GREEDY)) for said in QUESTIONS]
    requests = [chat(said, sampling=GREEDY, max_tokens=TOKENS, draft_model=shallow) for said in QUESTIONS]
    clients = [engine.call(request) for request in requests]
    together = [[event for frame in frames(client) for event in frame.events] for client in clients]
    for client in clients:
        client.close()
    # Not to the end: what these questions are answered with soon is a toss-up, and rounding depends on the neighbours.
    assert [written(events)[:40] for events in together] == [text[:40] for text in alone]
    assert sum(stats(events).drafts.accepted for events in together) > 0


def test_one_that_was_loaded_with_the_model_guesses_for_all(tmp_path: Path, shallow: DraftModel) -> None:
    with started(spec(tmp_path, draft_model=shallow)) as engine:
        engine.wait_ready()
        assert stats(ask(engine, None, QUESTIONS[0], GREEDY)).drafts.accepted > 0


def test_one_with_padding_in_its_vocabulary_guesses_too(engine: EngineProcess, tmp_path: Path) -> None:
    padded = DraftModel("padded", str(models.padded(tmp_path, 7)))
    assert stats(ask(engine, padded, QUESTIONS[2], GREEDY)).drafts.accepted > 0


def test_one_that_cannot_be_loaded_fails_its_request_only(engine: EngineProcess, shallow: DraftModel) -> None:
    (failed,) = ask(engine, DraftModel("gone", "/nowhere.gguf"), QUESTIONS[0], GREEDY)
    assert isinstance(failed, Failed)
    assert failed.error["code"] == "engine_failed"
    assert stats(ask(engine, shallow, QUESTIONS[0], GREEDY)).drafts.accepted > 0


@pytest.mark.parametrize("kind", ["recurrent", "hybrid"])
def test_one_that_sums_up_what_it_reads_is_refused_as_either(engine: EngineProcess, tmp_path: Path, kind: str) -> None:
    draft = DraftModel(kind, str(KINDS[kind](tmp_path / "draft.gguf")))
    with started(EngineSpec("llama", draft.path, kind, kind, str(tmp_path / "e.sock"), LoadConfig())) as summing:
        summing.wait_ready()
        for asked in (summing, engine):
            (failed,) = ask(asked, draft, QUESTIONS[0], GREEDY)
            assert isinstance(failed, Failed)
            assert failed.error["code"] == "unsupported"


def test_a_sliding_window_forgets_nothing_that_is_taken_back(tmp_path: Path) -> None:
    draft = DraftModel("windowed", str(KINDS["windowed"](tmp_path / "draft.gguf")))
    with started(EngineSpec("llama", draft.path, "w", "w", str(tmp_path / "e.sock"), LoadConfig())) as engine:
        engine.wait_ready()
        alone = written(ask(engine, None, QUESTIONS[0], GREEDY))
        assert written(ask(engine, draft, QUESTIONS[0], GREEDY)) == alone


def test_a_probability_is_a_part_of_the_whole() -> None:
    logits = np.log(np.array([1.0, 6.0, 3.0], np.float32))
    assert probability(logits, 1) == pytest.approx(0.6)
