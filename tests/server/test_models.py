"""Lists of models and single ones, in both dialects."""

from urllib.parse import quote

import msgspec
import pytest

from tests.server.backend import EMBEDDER, SLASHED, instance
from tests.server.conftest import Site
from tests.server.scripted_engine import MODEL

BOTH = pytest.mark.parametrize("base", ["/v1", "/api/v0"])


def ids(site: Site, base: str) -> list[str]:
    return [row["id"] for row in site.client.get(f"{base}/models").json["data"]]  # type: ignore[index]


@BOTH
def test_with_just_in_time_loading_everything_is_listed(site: Site, base: str) -> None:
    assert ids(site, base) == ["qwen/qwen3-4b", "text-embedding-tiny", "tiny-chat"]


@BOTH
def test_without_it_only_what_is_loaded(site: Site, base: str) -> None:
    site.backend.loads = False
    site.backend.loaded = [instance(MODEL), instance(EMBEDDER, loading=True)]
    assert ids(site, base) == ["tiny-chat"]


@BOTH
def test_without_it_everything_is_listed_for_who_asks_for_all(site: Site, base: str) -> None:
    site.backend.loads = False
    for query, count in {"?all=true": 3, "?all=1&after=x": 3, "?all=false": 0}.items():
        assert len(site.client.get(f"{base}/models{query}").json["data"]) == count  # type: ignore[index]
    refused = site.client.get(f"{base}/models?all=some")
    assert (refused.status_code, refused.json["error"]["param"]) == (400, "all")  # type: ignore[index]


@BOTH
def test_an_instance_appears_under_its_identifier_beside_its_key(site: Site, base: str) -> None:
    site.backend.loaded = [instance(MODEL, "poet"), instance(EMBEDDER)]
    assert ids(site, base) == ["poet", "qwen/qwen3-4b", "text-embedding-tiny", "tiny-chat"]


@BOTH
def test_a_damaged_model_is_not_offered(site: Site, base: str) -> None:
    site.backend.on_disk = [MODEL, msgspec.structs.replace(SLASHED, damaged="The file is cut off.")]
    assert ids(site, base) == ["tiny-chat"]


@BOTH
@pytest.mark.parametrize("name", ["qwen/qwen3-4b", "Qwen/Qwen3-4B", "qwen/qwen3-4b@Q4_K_M"])
@pytest.mark.parametrize("encode", [str, lambda name: quote(name, safe="")])
def test_a_name_with_a_slash_may_be_raw_or_encoded(site: Site, base: str, name: str, encode: type[str]) -> None:
    reply = site.client.get(f"{base}/models/{encode(name)}")
    assert (reply.status_code, reply.json["id"]) == (200, "qwen/qwen3-4b")  # type: ignore[index]


@BOTH
def test_a_model_is_shown_by_each_name_that_a_request_may_use(site: Site, base: str) -> None:
    assert site.client.get(f"{base}/models/lms/tiny-chat").json["id"] == "tiny-chat"  # type: ignore[index]
    site.backend.on_disk = [msgspec.structs.replace(MODEL, damaged="The file is cut off.")]
    assert site.client.get(f"{base}/models/lms/tiny-chat").status_code == 404


@BOTH
def test_an_unknown_model_is_a_404_that_names_what_is_there(site: Site, base: str) -> None:
    reply = site.client.get(f"{base}/models/gpt-4o")
    error = reply.json["error"]  # type: ignore[index]
    assert (reply.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert "qwen/qwen3-4b, text-embedding-tiny, tiny-chat" in error["message"]


def test_openais_row_has_what_its_client_requires(site: Site) -> None:
    assert site.client.get("/v1/models/tiny-chat").json == {
        "id": "tiny-chat",
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "lms",
        "max_context_length": 2048,
    }


def test_openais_row_of_a_loaded_model_says_how_long_its_context_is(site: Site) -> None:
    site.backend.loaded = [instance(MODEL)]
    rows = {row["id"]: row for row in site.client.get("/v1/models").json["data"]}  # type: ignore[index]
    assert rows["tiny-chat"]["context_length"] == 1024
    assert "context_length" not in rows["text-embedding-tiny"]


def test_the_rest_apis_row_is_as_documented(site: Site) -> None:
    assert site.client.get("/api/v0/models/text-embedding-tiny").json == {
        "id": "text-embedding-tiny",
        "object": "model",
        "type": "embeddings",
        "publisher": "lms",
        "arch": "bert",
        "compatibility_type": "gguf",
        "quantization": "Q4_K_M",
        "state": "not-loaded",
        "max_context_length": 2048,
    }


def test_a_loaded_row_says_so_and_with_how_much_context(site: Site) -> None:
    site.backend.loaded = [instance(MODEL)]
    row = site.client.get("/api/v0/models/tiny-chat").json
    assert row is not None
    assert (row["state"], row["loaded_context_length"], row["capabilities"]) == ("loaded", 1024, ["tool_use"])


def test_a_row_that_is_being_loaded_says_so(site: Site) -> None:
    site.backend.loaded = [instance(MODEL, loading=True)]
    row = site.client.get("/api/v0/models/tiny-chat").json
    assert row is not None
    assert row["state"] == "loading"
    assert "loaded_context_length" not in row
