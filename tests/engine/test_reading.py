"""What a worker answers without a pass, and how it ranks, over the fake model."""

import pytest

from lms.config.load import LoadConfig
from lms.engine.fake import END, FakeModel
from lms.engine.protocol import EngineSpec
from lms.engine.reading import LIMIT
from lms.engine.worker import Worker
from lms.errors import InvalidRequest, LmsError, PromptTooLong, QueueFull, Unsupported
from lms.generation.events import Event, Ranked, Spelled, WasRead
from lms.generation.messages import Message
from lms.generation.request import (
    ChatPrompt,
    EmbedRequest,
    RankRequest,
    ReadRequest,
    Request,
    SpellRequest,
    TextPrompt,
)
from tests.engine.rig import rig

CHAT = ChatPrompt((Message("user", "count to 3"),))
DOCUMENTS = ("a dog barks", "the cat sat on the mat", "a cat")


def answered(request: Request, *, embedding: bool = False) -> Event:
    """What a fresh worker says at once."""
    (event,) = rig(embedding=embedding).worker.submit(1, request)
    return event


def ranker(context_length: int = 64) -> Worker:
    spec = EngineSpec("fake", "", "tiny-rerank", "tiny-rerank", "", LoadConfig(context_length), embedding=True)
    return Worker(spec, FakeModel(spec), lambda logged: None)


def ranked(worker: Worker, request: RankRequest) -> Event:
    """The answer of a worker with nothing else to do."""
    assert worker.submit(1, request) == []
    happened = []
    while worker.is_busy:
        happened += worker.step()
    ((uid, (event,)),) = happened
    assert uid == 1
    return event


def test_a_text_is_read_at_once() -> None:
    assert answered(ReadRequest(TextPrompt("hé"))) == WasRead("hé", (104, 195, 169))


def test_a_model_that_embeds_reads_texts_too() -> None:
    assert answered(ReadRequest(TextPrompt("h"), pieces=True), embedding=True) == WasRead("h", (104,), (b"h",))


def test_a_conversation_is_read_as_it_would_be_answered() -> None:
    engine = rig()
    (read,) = engine.worker.submit(1, ReadRequest(CHAT))
    engine.ask(2, "count to 3")
    engine.run()
    assert isinstance(read, WasRead)
    assert read.text.endswith("count to 3\n<|model|>")
    assert len(read.tokens) == engine.finished(2).usage.prompt


def test_tokens_are_spelled_at_once_and_control_tokens_by_their_names() -> None:
    assert answered(SpellRequest((104, 195, 169, END))) == Spelled("hé<|end|>")


def test_half_a_character_is_spelled_as_one_that_is_unknown() -> None:
    assert answered(SpellRequest((104, 195)), embedding=True) == Spelled("h\ufffd")


def test_reading_takes_no_place_in_the_queue() -> None:
    full = rig(LoadConfig(parallel=1), queue_limit=0)
    full.ask(1, "write for ever")
    with pytest.raises(QueueFull):
        full.ask(2, "write for ever")
    assert full.worker.submit(3, SpellRequest((104,))) == [Spelled("h")]


@pytest.mark.parametrize(
    ("request_", "error", "param"),
    [
        (ReadRequest(TextPrompt("a" * (LIMIT + 1))), InvalidRequest, "content"),
        (SpellRequest((97,) * (LIMIT + 1)), InvalidRequest, "tokens"),
        (SpellRequest((97, END + 1)), InvalidRequest, "tokens"),
        (ReadRequest(ChatPrompt((Message("user", "a" * 300_000),))), PromptTooLong, None),
    ],
)
def test_what_cannot_be_read_is_refused(request_: Request, error: type[LmsError], param: str | None) -> None:
    with pytest.raises(error) as refused:
        answered(request_)
    assert refused.value.param == param


def test_a_model_that_embeds_reads_no_conversations() -> None:
    with pytest.raises(Unsupported, match="conversations"):
        answered(ReadRequest(CHAT), embedding=True)


def test_documents_are_ranked_in_their_order_and_tokens_counted() -> None:
    query = "where is the cat"
    tokens = sum(len(query) + 1 + len(document) for document in DOCUMENTS)
    assert ranked(ranker(), RankRequest(query, DOCUMENTS)) == Ranked((0.0, 2.0, 1.0), tokens)


def test_more_documents_than_a_pass_takes_are_ranked_in_several() -> None:
    documents = tuple("cat" if number % 3 else "dog" for number in range(200))
    result = ranked(ranker(), RankRequest("cat", documents))
    assert isinstance(result, Ranked)
    assert result.scores == tuple(float(number % 3 > 0) for number in range(200))


def test_a_pair_over_the_context_names_its_document() -> None:
    with pytest.raises(PromptTooLong, match=r"documents\[1\]") as refused:
        ranker(32).submit(1, RankRequest("cat", ("cat", "a cat " * 10)))
    assert refused.value.param == "documents[1]"


def test_a_text_over_the_context_names_its_place_among_the_inputs() -> None:
    with pytest.raises(PromptTooLong, match=r"input\[1\]. has 600 tokens") as refused:
        rig(LoadConfig(512), embedding=True).worker.submit(1, EmbedRequest(("a", "a" * 600)))
    assert refused.value.param == "input[1]"


def test_a_model_does_what_it_was_trained_for_only() -> None:
    with pytest.raises(Unsupported, match="ranks"):
        ranker().submit(1, EmbedRequest(("a",)))
    with pytest.raises(Unsupported, match="not trained to rank"):
        rig(embedding=True).worker.submit(1, RankRequest("a", ("b",)))
    with pytest.raises(Unsupported):
        rig().worker.submit(1, RankRequest("a", ("b",)))
