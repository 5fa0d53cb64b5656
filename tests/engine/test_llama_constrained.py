"""Constrained answers of the real engine over the bundled chat model."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.config.load import LoadConfig
from lms.generation.constraint import Grammar, JsonSchema, Regex
from lms.generation.events import Failed, Finished
from lms.generation.request import GenerateRequest, Sampling, TextPrompt
from tests.engine.processes import EngineProcess, frames, started
from tests.engine.rig import chat, written
from tests.engine.test_llama import spec

GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0)
WILD = Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0)
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 10}, "age": {"type": "integer", "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with started(spec(tmp_path_factory.mktemp("e"), "tiny-chat")) as engine:
        engine.wait_ready()
        yield engine


@pytest.mark.parametrize("seed", range(10))
def test_even_the_wildest_answer_has_the_form(engine: EngineProcess, seed: int) -> None:
    wild = Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0, seed=seed)
    events = engine.ask(chat("Who are you?", sampling=wild, constraint=JsonSchema(PERSON)))
    person = json.loads(written(events))
    assert set(person) == {"name", "age"}
    assert len(person["name"]) <= 10
    assert person["age"] <= 99


def test_of_what_is_allowed_the_likeliest_is_drawn(engine: EngineProcess) -> None:
    asked = chat("Say this is a test!", sampling=GREEDY, constraint=Regex("(That|This|Thus) is .*"))
    assert written(engine.ask(asked)) == "This is a test!"


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=0.0, logit_bias={40: 100.0}), WILD])
def test_a_bias_or_a_penalty_gets_nothing_through_that_is_forbidden(engine: EngineProcess, sampling: Sampling) -> None:
    asked = chat("Say this is a test!", sampling=sampling, constraint=Regex("[0-9]{4}"))
    assert re.fullmatch("[0-9]{4}", written(engine.ask(asked)))


def test_it_ends_without_a_token_more(engine: EngineProcess) -> None:
    last = engine.ask(chat("Hi", sampling=GREEDY, constraint=Regex("[0-9]")))[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.usage.completion) == ("eosFound", 1)


def test_a_grammar_holds_for_a_prompt_without_a_template(engine: EngineProcess) -> None:
    grammar = Grammar('root ::= ("a" | "b")+ "."')
    text = written(engine.ask(GenerateRequest(TextPrompt("Once"), WILD, constraint=grammar, max_tokens=300)))
    assert set(text[:-1]) <= {"a", "b"}


def test_a_bad_schema_is_refused_and_the_engine_lives(engine: EngineProcess) -> None:
    (failed,) = engine.ask(chat("Hi", constraint=JsonSchema({"type": "strin"}, "f")))
    assert isinstance(failed, Failed)
    assert failed.error["param"] == "f"
    assert written(engine.ask(chat("Say this is a test!", sampling=GREEDY))) == "This is a test!"


def test_what_is_constrained_does_not_touch_what_is_not(engine: EngineProcess) -> None:
    with engine.call(chat("Count.", constraint=Regex("([0-9] )+"), max_tokens=400)) as other:
        next(frames(other))
        assert written(engine.ask(chat("Say this is a test!", sampling=GREEDY))) == "This is a test!"


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.2, seed=3)], ids=["greedy", "drawn"])
def test_drafts_change_how_soon_a_constrained_answer_comes_and_not_what_it_says(
    engine: EngineProcess, tmp_path: Path, sampling: Sampling
) -> None:
    asked = chat("Who are you?", sampling=sampling, constraint=JsonSchema(PERSON))
    with started(spec(tmp_path, "tiny-chat", LoadConfig(speculation="ngram"))) as guessing:
        guessing.wait_ready()
        events = guessing.ask(asked)
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.stats.drafts.accepted
    assert written(events) == written(engine.ask(asked))
