"""Embeddings in every form of input and encoding."""

import base64
import struct
from typing import Any

import pytest

from lms.generation.events import Embedded
from lms.generation.request import EmbedRequest
from tests.server.conftest import MakeSite, Site

VECTORS = ((0.6, -0.8, 0.0), (0.0, 0.28, 0.96))
EMBEDDED = Embedded(tuple(struct.pack("<3f", *vector) for vector in VECTORS), prompt_tokens=11)


@pytest.fixture
def embedding(make_site: MakeSite) -> Site:
    return make_site([(EMBEDDED,)])


def ask(site: Site, path: str = "/v1/embeddings", **fields: Any) -> Any:
    return site.post(path, **{"model": "text-embedding-tiny", "input": ["a", "b"]} | fields).json


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a", ("a",)),
        (["a"], ("a",)),
        (["a", "b"], ("a", "b")),
        ([5, 6], ((5, 6),)),
        ([[5, 6], [7]], ((5, 6), (7,))),
        (["a", [7]], ("a", (7,))),
    ],
)
def test_each_form_of_input_reaches_the_engine_in_one_request(embedding: Site, given: object, inputs: object) -> None:
    ask(embedding, input=given)
    assert [call.request for call in embedding.engine.calls] == [EmbedRequest(inputs)]  # type: ignore[arg-type]


def test_floats_are_the_default_and_tokens_are_counted(embedding: Site) -> None:
    reply = ask(embedding)
    assert [row["index"] for row in reply["data"]] == [0, 1]
    assert reply["data"][0]["embedding"] == pytest.approx(VECTORS[0])
    assert reply["usage"] == {"prompt_tokens": 11, "total_tokens": 11}
    assert reply["model"] == "text-embedding-tiny"


def test_base64_is_that_of_little_endian_float32(embedding: Site) -> None:
    encoded = ask(embedding, encoding_format="base64")["data"][1]["embedding"]
    assert struct.unpack("<3f", base64.b64decode(encoded)) == pytest.approx(VECTORS[1])


def test_the_rest_api_names_the_quantization(embedding: Site) -> None:
    reply = ask(embedding, "/api/v0/embeddings")
    assert reply["model"] == "text-embedding-tiny@q4_k_m"
    assert reply["usage"]["prompt_tokens"] == 11


def test_the_models_own_dimensions_may_be_asked_for(embedding: Site) -> None:
    assert [row["embedding"] for row in ask(embedding, dimensions=3)["data"]] == [
        pytest.approx(vector) for vector in VECTORS
    ]


@pytest.mark.parametrize("path", ["/v1/embeddings", "/api/v0/embeddings"])
def test_fewer_dimensions_are_the_first_ones_as_a_vector_of_length_one(embedding: Site, path: str) -> None:
    rows = ask(embedding, path, dimensions=2)["data"]
    assert rows[0]["embedding"] == pytest.approx((0.6, -0.8))
    assert rows[1]["embedding"] == pytest.approx((0.0, 1.0))


def test_a_shortened_vector_is_the_same_in_base64(embedding: Site) -> None:
    encoded = ask(embedding, dimensions=2, encoding_format="base64")["data"][0]["embedding"]
    assert struct.unpack("<2f", base64.b64decode(encoded)) == pytest.approx((0.6, -0.8))


def test_a_vector_of_nothing_but_zeros_stays_one(make_site: MakeSite) -> None:
    site = make_site([(Embedded((struct.pack("<3f", 0, 0, 1),), 1),)])
    assert ask(site, dimensions=2)["data"][0]["embedding"] == [0, 0]


def test_more_dimensions_than_the_models_are_refused_not_ignored(embedding: Site) -> None:
    error = ask(embedding, dimensions=4)["error"]
    assert error["param"] == "dimensions"
    assert "3 dimensions, not 4" in error["message"]


@pytest.mark.parametrize("path", ["/v1/embeddings", "/api/v0/embeddings"])
def test_a_chat_model_does_not_embed(site: Site, path: str) -> None:
    assert site.post(path, model="tiny-chat", input="a").status_code == 400


def test_an_embedding_model_does_not_chat(site: Site) -> None:
    assert site.post("/v1/completions", model="text-embedding-tiny", prompt="a").status_code == 400
