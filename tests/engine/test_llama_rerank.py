"""Rerankers over llama.cpp. The oracle is llama-cpp-python's own high-level API, given one pair at a time."""

from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import pytest

from lms.catalog import gguf_facts
from lms.config.load import LoadConfig
from lms.engine.llama import LlamaModel
from lms.engine.protocol import EngineSpec
from lms.engine.worker import Worker
from lms.errors import Unsupported
from lms.generation.events import Ranked
from lms.generation.request import EmbedRequest, RankRequest, ReadRequest, TextPrompt
from tests.engine.kinds import judging
from tests.engine.rerankers import reranker

TEMPLATE = "question: {query} text: {document}"
QUERY = "where does the cat sleep?"
ROUNDING = 1e-2  # of weights of 16 bits, in batches of one size and another; scores lie a hundred times as far apart
DOCUMENTS = ("the cat sleeps in a small box", "dogs", "it rained all day in the town and nobody went out", "a cat")


@pytest.fixture(scope="module", params=["plain", "template", "causal"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def path(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rerankers") / "tiny-rerank.gguf"
    return judging(file) if kind == "causal" else reranker(file, TEMPLATE if kind == "template" else None)


@pytest.fixture(scope="module")
def worker(path: Path) -> Iterator[Worker]:
    spec = EngineSpec("llama", str(path), "tiny-rerank", "tiny-rerank", "", LoadConfig(), embedding=True)
    model = LlamaModel(spec, lambda progress: None)
    yield Worker(spec, model, lambda logged: None)
    model.close()


def ranked(worker: Worker, request: RankRequest) -> Ranked:
    worker.submit(1, request)
    ((_, (event,)),) = worker.step()
    assert isinstance(event, Ranked)
    return event


def directly(path: Path, kind: str) -> list[float]:
    """What llama.cpp says of each pair alone, put together here as its server would."""
    model = llama_cpp.Llama(
        str(path), embedding=True, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_RANK, verbose=False, n_ctx=512
    )
    vocabulary = llama_cpp.llama_model_get_vocab(model.model)
    begin, end = llama_cpp.llama_vocab_bos(vocabulary), llama_cpp.llama_vocab_eos(vocabulary)

    def plain(text: str) -> list[int]:
        return model.tokenize(text.encode(), add_bos=False)

    scores = []
    for document in DOCUMENTS:
        match kind:
            case "template":
                tokens = plain(f"question: {QUERY} text: {document}")
            case "plain":
                tokens = [begin, *plain(QUERY), end, *plain(document), end]
            case _:  # its vocabulary puts nothing around texts
                tokens = [*plain(QUERY), *plain(document)]
        array = (llama_cpp.llama_token * len(tokens))(*tokens)  # which the batch does not keep alive
        if kind == "causal":
            llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(model.ctx), True)
        assert llama_cpp.llama_decode(model.ctx, llama_cpp.llama_batch_get_one(array, len(tokens))) == 0
        scores.append(float(llama_cpp.llama_get_embeddings_seq(model.ctx, 0)[0]))
    model.close()
    return scores


def test_scores_are_those_that_llama_cpp_gives(worker: Worker, path: Path, kind: str) -> None:
    scores = ranked(worker, RankRequest(QUERY, DOCUMENTS)).scores
    assert scores == pytest.approx(directly(path, kind), abs=ROUNDING)
    assert len(set(scores)) == len(DOCUMENTS)


def test_a_batch_is_ranked_as_each_document_alone(worker: Worker) -> None:
    together = ranked(worker, RankRequest(QUERY, DOCUMENTS)).scores
    alone = [ranked(worker, RankRequest(QUERY, (document,))).scores[0] for document in DOCUMENTS]
    assert together == pytest.approx(alone, abs=ROUNDING)


def test_a_reranker_makes_no_vectors_and_reads_texts(worker: Worker) -> None:
    with pytest.raises(Unsupported, match="/v1/rerank"):
        worker.submit(1, EmbedRequest(("a",)))
    (read,) = worker.submit(1, ReadRequest(TextPrompt("a cat"), pieces=True))
    assert read.tokens  # type: ignore[union-attr]


def test_a_reranker_counts_among_the_models_that_embed(path: Path) -> None:
    assert gguf_facts.read(path).embedding
