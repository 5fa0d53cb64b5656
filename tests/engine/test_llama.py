"""The real engine over the bundled models."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.config.load import LoadConfig
from lms.engine.protocol import EngineSpec, LoadFailed
from lms.generation.events import Embedded, Event, Failed, Finished, TextDelta
from lms.generation.messages import Message
from lms.generation.request import ChatPrompt, EmbedRequest, GenerateRequest, Sampling, TextPrompt
from tests.engine.processes import EngineProcess, bundled, frames, started
from tests.engine.rig import chat, written

GREEDY = Sampling(temperature=0.0)
TEXTS = ("start the server", "how do I load a model", "x", "the weather is fine today and the birds are singing " * 4)


def spec(folder: Path, model: str, config: LoadConfig | None = None) -> EngineSpec:
    embedding = "embedding" in model
    return EngineSpec(
        "llama", bundled(model), model, model, str(folder / "engine.sock"), config or LoadConfig(), embedding
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with started(spec(tmp_path_factory.mktemp("e"), "tiny-chat")) as engine:
        engine.wait_ready()
        yield engine


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with started(spec(tmp_path_factory.mktemp("e"), "text-embedding-tiny")) as engine:
        engine.wait_ready()
        yield engine


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def vectors(events: list[Event]) -> list[tuple[float, ...]]:
    (embedded,) = events
    assert isinstance(embedded, Embedded)
    return [struct.unpack(f"<{len(vector) // 4}f", vector) for vector in embedded.vectors]


def test_it_answers(engine: EngineProcess) -> None:
    events = engine.ask(chat("Say this is a test!", sampling=GREEDY))
    assert written(events) == "This is a test!"
    assert finished(events).reason == "eosFound"


def test_figures_are_real(engine: EngineProcess) -> None:
    last = finished(engine.ask(GenerateRequest(TextPrompt("the meaning of life is"), max_tokens=10)))
    assert last.usage.prompt > 0
    assert last.stats.time_to_first_token_s > 0
    assert last.usage.completion <= 10


def test_the_same_seed_gives_the_same_text_and_another_seed_another(engine: EngineProcess) -> None:
    def text(seed: int) -> str:
        sampling = Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0, seed=seed)
        return written(engine.ask(chat("Tell me a story.", sampling=sampling, max_tokens=24)))

    assert text(7) == text(7)
    assert text(7) != text(8)


def test_logit_bias_forces_a_token(engine: EngineProcess) -> None:
    forced = Sampling(temperature=0.0, repeat_penalty=1.0, logit_bias={40: 100.0})
    events = engine.ask(chat("Say this is a test!", sampling=forced, max_tokens=4))
    pieces = {event.text for event in events if isinstance(event, TextDelta)}
    assert len(pieces) == 1
    assert finished(events).usage.completion == 4


def test_penalties_change_greedy_text(engine: EngineProcess) -> None:
    def text(**settings: float) -> str:
        return written(
            engine.ask(chat("Count to one hundred.", sampling=Sampling(temperature=0.0, **settings), max_tokens=60))
        )

    plain = text(repeat_penalty=1.0)
    assert text(repeat_penalty=1.0, presence_penalty=2.0) != plain
    assert text(repeat_penalty=2.0) != plain


def test_a_stop_string_is_never_shown(engine: EngineProcess) -> None:
    events = engine.ask(chat("Say this is a test!", sampling=GREEDY, stop=("a te",)))
    assert written(events) == "This is "
    assert finished(events).reason == "stopStringFound"


def test_a_prompt_over_the_context_is_refused_with_both_numbers(engine: EngineProcess) -> None:
    (failed,) = engine.ask(chat("word " * 5000))
    assert isinstance(failed, Failed)
    assert failed.error["code"] == "context_length_exceeded"
    assert "the context holds 2048" in failed.error["message"]


def test_unlimited_answers_end_with_the_context(tmp_path: Path) -> None:
    with started(spec(tmp_path, "tiny-chat", LoadConfig(context_length=64))) as engine:
        engine.wait_ready()
        free = Sampling(temperature=0.0, logit_bias={})
        last = finished(engine.ask(GenerateRequest(TextPrompt("1, 2, 3, 4, 5, 6"), free)))
        assert last.reason in ("contextLengthReached", "eosFound")
        assert last.usage.prompt + last.usage.completion <= 64


def test_the_next_turn_processes_only_what_is_new(engine: EngineProcess) -> None:
    turns = [Message("user", "Repeat after me: the quick brown fox jumps over the lazy dog and then goes home.")]
    first = engine.ask(GenerateRequest(ChatPrompt(tuple(turns)), GREEDY))
    turns += [Message("assistant", written(first)), Message("user", "Thank you.")]
    second = finished(engine.ask(GenerateRequest(ChatPrompt(tuple(turns)), GREEDY))).usage
    assert second.cached >= finished(first).usage.prompt


def test_a_reused_prefix_gives_the_same_answer_as_a_fresh_one(tmp_path: Path, engine: EngineProcess) -> None:
    request = chat("Repeat after me: seven green apples fell.", sampling=GREEDY)
    engine.ask(request)
    again = engine.ask(request)
    assert finished(again).usage.cached > 0
    with started(spec(tmp_path, "tiny-chat")) as fresh:
        fresh.wait_ready()
        assert written(fresh.ask(request)) == written(again)


def test_more_streams_than_slots_all_come_to_their_end(engine: EngineProcess) -> None:
    clients = [engine.call(chat(f"Count from 1 to {n}.", sampling=GREEDY, max_tokens=30)) for n in range(3, 15)]
    for client in clients:
        events = [event for frame in frames(client) for event in frame.events]
        client.close()
        assert finished(events).usage.completion > 0


def test_a_client_that_leaves_is_noticed_within_one_pass(engine: EngineProcess) -> None:
    with engine.call(chat("Count to one hundred.", max_tokens=2000)) as client:
        next(frames(client))
    assert engine.wait_activity(state="idle").running == 0


def test_a_context_longer_than_the_model_knows_is_lowered_and_said(tmp_path: Path) -> None:
    with started(spec(tmp_path, "tiny-chat", LoadConfig(context_length=100_000))) as engine:
        ready = engine.wait_ready()
    assert ready.context_length == 2048
    assert "from 100000 to 2048" in ready.warnings[0]


def test_a_file_that_is_no_model_fails_with_a_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\x00" * 100)
    wrong = EngineSpec("llama", str(broken), "broken", "broken", str(tmp_path / "engine.sock"), LoadConfig())
    with started(wrong) as engine:
        failed = next(report for report in engine.reports if isinstance(report, LoadFailed))
    assert "could not load" in failed.error["message"]


def test_vectors_are_normalised_and_tokens_counted(embedder: EngineProcess) -> None:
    events = embedder.ask(EmbedRequest(TEXTS))
    for vector in vectors(events):
        assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-4)
    assert isinstance(events[0], Embedded)
    assert events[0].prompt_tokens > 4


def test_a_batch_embeds_like_its_inputs_one_by_one(embedder: EngineProcess) -> None:
    together = vectors(embedder.ask(EmbedRequest(TEXTS)))
    alone = [vectors(embedder.ask(EmbedRequest((text,))))[0] for text in TEXTS]
    for left, right in zip(together, alone, strict=True):
        assert left == pytest.approx(right, abs=2e-3)


def test_a_text_embeds_alike_whatever_fills_its_pass(embedder: EngineProcess) -> None:
    texts = tuple(tuple(range(1000, 1000 + length)) for length in (47, 48, 63, 64, 300))
    together = vectors(embedder.ask(EmbedRequest(texts)))
    alone = [vectors(embedder.ask(EmbedRequest((text,))))[0] for text in texts]
    for left, right in zip(together, alone, strict=True):
        assert left == pytest.approx(right, abs=2e-3)


def test_more_inputs_than_a_pass_holds_are_all_embedded(embedder: EngineProcess) -> None:
    texts = tuple(f"text number {n} about something else" for n in range(200))
    assert len(vectors(embedder.ask(EmbedRequest(texts)))) == 200


def test_a_paraphrase_is_nearer_than_something_else(embedder: EngineProcess) -> None:
    asked, near, far = vectors(
        embedder.ask(EmbedRequest(("how do I load a model", "how can I load a model?", "bananas")))
    )

    def likeness(left: tuple[float, ...], right: tuple[float, ...]) -> float:
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert likeness(asked, near) > likeness(asked, far)
