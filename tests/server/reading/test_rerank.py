"""Rankings over HTTP, in the shape of Jina and Cohere."""

from typing import Any

import pytest

from lms.generation.events import Ranked
from lms.generation.request import RankRequest
from tests.server.conftest import MakeSite, Site

RANKED = Ranked((-0.5, 2.25, -0.5, 1.0), prompt_tokens=30)


@pytest.fixture
def ranking(make_site: MakeSite) -> Site:
    return make_site([(RANKED,)])


def ask(site: Site, path: str = "/v1/rerank", **fields: Any) -> Any:
    body = {"model": "text-embedding-tiny", "query": "which?", "documents": ["a", "b", "c", "d"]} | fields
    return site.post(path, **body)


@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])
def test_the_best_document_comes_first_and_equal_ones_in_their_order(ranking: Site, path: str) -> None:
    assert ask(ranking, path).json == {
        "object": "list",
        "model": "text-embedding-tiny",
        "results": [
            {"index": 1, "relevance_score": 2.25},
            {"index": 3, "relevance_score": 1.0},
            {"index": 0, "relevance_score": -0.5},
            {"index": 2, "relevance_score": -0.5},
        ],
        "usage": {"prompt_tokens": 30, "total_tokens": 30},
    }


def test_only_the_best_ones_may_be_wanted(ranking: Site) -> None:
    assert [row["index"] for row in ask(ranking, top_n=2).json["results"]] == [1, 3]


def test_more_than_there_are_is_all(ranking: Site) -> None:
    assert len(ask(ranking, top_n=99).json["results"]) == 4


def test_documents_come_back_where_they_are_wanted(ranking: Site) -> None:
    first = ask(ranking, top_n=1, return_documents=True).json["results"][0]
    assert first == {"index": 1, "relevance_score": 2.25, "document": {"text": "b"}}


def test_documents_are_texts_or_objects_with_one(ranking: Site) -> None:
    ask(ranking, documents=["a", {"text": "b"}, "c", {"text": "d", "title": "D"}])
    assert ranking.engine.calls[0].request == RankRequest("which?", ("a", "b", "c", "d"))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"query": ""}, "query"),
        ({"query": 5}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "a"}, "documents"),
        ({"documents": ["a", 5]}, "documents[1]"),
        ({"documents": [{"title": "a"}]}, "documents[0].text"),
        ({"documents": ["a"] * 2049}, "documents"),
        ({"top_n": 0}, "top_n"),
        ({"max_tokens_per_doc": 100}, "max_tokens_per_doc"),
        ({"rank_fields": ["title"]}, "rank_fields"),
    ],
)
def test_what_is_wrong_is_refused_by_name(site: Site, fields: Any, param: str) -> None:
    reply = ask(site, **fields)
    assert (reply.status_code, site.engine.calls) == (400, [])
    assert reply.json["error"]["param"] == param


def test_a_chat_model_does_not_rank(site: Site) -> None:
    assert ask(site, model="tiny-chat").json["error"]["param"] == "model"
