"""Constrained answers, from the request to the events, with the fake model."""

import itertools
import json
from collections.abc import Iterator

import pytest

from lms.engine.batch import Batch, Sampled
from lms.engine.fake import END, FakeDecoder, FakeVocabulary
from lms.engine.scheduler import Limits
from lms.errors import InvalidRequest
from lms.generation.constraint import Constraint, Grammar, JsonSchema, Regex
from lms.generation.events import Failed, ReasoningDelta
from lms.generation.request import Sampling
from lms.text.constraints import Constraints
from tests.engine.rig import Rig, rig

NOTE = {
    "type": "object",
    "properties": {"note": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["note", "count"],
    "additionalProperties": False,
}
TOO_COMPLEX = {"type": "object", "properties": {f"key{n}": {"type": "string"} for n in range(1000)}}


@pytest.fixture
def served() -> Iterator[Rig]:
    made = rig()
    yield made
    made.worker.stop()


def answer(served: Rig, text: str, constraint: Constraint) -> str:
    served.ask(1, text, constraint=constraint)
    served.run()
    return served.text(1)


def test_an_answer_takes_the_form_that_was_asked_for(served: Rig) -> None:
    assert json.loads(answer(served, "hi", JsonSchema(NOTE)))["note"] == "You said: hi"


def test_it_ends_with_the_token_after_which_nothing_can_follow(served: Rig) -> None:
    text = answer(served, "write for ever", Regex("[0-9]{3}x"))
    finished = served.finished(1)
    assert (text[-1], finished.reason, finished.usage.completion) == ("x", "eosFound", 4)


def test_an_unconstrained_answer_beside_it_stays_as_it_is(served: Rig) -> None:
    served.ask(2, "count to 20")
    answer(served, "hi", JsonSchema(NOTE))
    assert served.text(2) == " ".join(map(str, range(1, 21)))


def test_the_form_holds_for_what_follows_the_reasoning(served: Rig) -> None:
    text = answer(served, "think first: 42", Regex("[0-9]{2}"))
    thought = "".join(event.text for event in served.events[1] if isinstance(event, ReasoningDelta))
    assert (thought, text) == ("The user wants 42.", "42")


def test_what_is_guessed_ahead_is_held_to_the_form_too() -> None:
    constraints = Constraints(FakeVocabulary())
    repeated = {"const": "again and again and again"}
    guide = constraints.guide(JsonSchema({"type": "array", "items": repeated, "minItems": 5, "maxItems": 5}))
    batch = Batch(FakeDecoder(1, 1, 4096, lambda tokens: None), Limits(512, 512), speculates=True)
    batch.insert(1, list(b"again and again"), Sampling(), guide)
    sampled = [outcome for _ in range(150) for outcome in batch.step() if isinstance(outcome, Sampled)]
    text = bytes(token for outcome in sampled for token in outcome.tokens if token < END).decode()
    assert json.loads(text) == ["again and again and again"] * 5
    assert any(len(outcome.tokens) > 1 for outcome in sampled)
    constraints.close()


def passes_to_write(text: str, *, speculates: bool) -> int:
    """Passes over one sequence that can only answer `text`."""
    constraints = Constraints(FakeVocabulary())
    batch = Batch(FakeDecoder(1, 1, 4096, lambda tokens: None), Limits(512, 512), speculates=speculates)
    batch.insert(1, list(b"hello"), Sampling(), constraints.guide(Grammar(f"start: {json.dumps(text)}")))
    constraints.close()
    written = list[int]()
    for passes in itertools.count(1):
        written += [token for outcome in batch.step() if isinstance(outcome, Sampled) for token in outcome.tokens]
        if len(written) >= len(text):
            assert bytes(written[: len(text)]).decode() == text
            return passes
    raise AssertionError


def test_what_has_to_come_is_drafted() -> None:
    text = "sphinx of black quartz, judge my vow"
    assert passes_to_write(text, speculates=True) < passes_to_write(text, speculates=False) / 4


def test_a_constraint_that_cannot_be_enforced_is_refused_before_anything_runs(served: Rig) -> None:
    with pytest.raises(InvalidRequest) as caught:
        served.ask(1, "hi", constraint=JsonSchema({"not": {}}, "response_format"))
    assert caught.value.param == "response_format"
    assert not served.worker.is_busy


def test_a_dead_end_ends_the_answer_with_the_reason_and_no_other(served: Rig) -> None:
    served.ask(1, "write for ever", constraint=JsonSchema(TOO_COMPLEX, "response_format"))
    served.ask(2, "count to 9")
    served.run()
    failed = served.events[1][-1]
    assert isinstance(failed, Failed)
    assert (failed.error["code"], failed.error["param"]) == ("invalid_request", "response_format")
    assert served.text(2) == "1 2 3 4 5 6 7 8 9"


def test_max_tokens_ends_a_constrained_answer_too(served: Rig) -> None:
    served.ask(1, "write for ever", constraint=JsonSchema({"type": "string"}), max_tokens=7)
    served.run()
    assert served.finished(1).reason == "maxPredictedTokensReached"


def test_json_may_quote_markers(served: Rig) -> None:
    assert answer(served, "hi", JsonSchema({"const": "<think>not</think>"})) == '"<think>not</think>"'
