"""The list of models, and loading and unloading them."""

import socket
from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from lms.client.control import LoadRequest
from lms.config.load import LoadConfig
from lms.errors import InvalidRequest, NotEnoughMemory
from tests.server.backend import EMBEDDER, SLASHED, instance
from tests.server.conftest import Site
from tests.server.scripted_engine import MODEL

THINKER = msgspec.structs.replace(
    MODEL,
    key="thinker",
    kind="vlm",
    vision=True,
    params="4B",
    quantization_bits=8,
    reasoning=("off", "on"),
    reasoning_default="on",
)


def rows(site: Site) -> dict[str, Any]:
    listed = site.client.get("/api/v1/models").json
    return {row["key"]: row for row in listed["models"]}  # type: ignore[index]


def test_a_model_is_shown_with_all_its_fields(site: Site) -> None:
    site.backend.on_disk.append(THINKER)
    assert rows(site)["thinker"] == {
        "type": "llm",
        "publisher": "lms",
        "key": "thinker",
        "display_name": "Tiny Chat",
        "architecture": "llama",
        "quantization": {"name": "Q8_0", "bits_per_weight": 8},
        "size_bytes": 4_000_000,
        "params_string": "4B",
        "loaded_instances": [],
        "max_context_length": 2048,
        "format": "gguf",
        "capabilities": {
            "vision": True,
            "trained_for_tool_use": True,
            "reasoning": {"allowed_options": ["off", "on"], "default": "on"},
        },
        "description": None,
    }


def test_an_embedding_model_lacks_what_only_others_have(site: Site) -> None:
    row = rows(site)["text-embedding-tiny"]
    assert row["type"] == "embedding"
    assert not {"architecture", "capabilities", "description"} & set(row)


def test_a_model_that_offers_no_choice_of_reasoning_says_nothing_of_it(site: Site) -> None:
    assert rows(site)["tiny-chat"]["capabilities"] == {"vision": False, "trained_for_tool_use": True}


def test_a_model_of_unknown_quantization_has_none(site: Site) -> None:
    site.backend.on_disk = [msgspec.structs.replace(MODEL, quantization=None)]
    assert rows(site)["tiny-chat"]["quantization"] is None


def test_variants_are_listed_where_there_are_several(site: Site) -> None:
    site.backend.on_disk = [msgspec.structs.replace(SLASHED, selected_variant="qwen/qwen3-4b@q4_k_m"), MODEL]
    assert rows(site)["qwen/qwen3-4b"]["variants"] == ["qwen/qwen3-4b@q4_k_m"]
    assert rows(site)["qwen/qwen3-4b"]["selected_variant"] == "qwen/qwen3-4b@q4_k_m"
    assert "variants" not in rows(site)["tiny-chat"]


def test_instances_are_shown_with_their_model_under_whatever_name(site: Site) -> None:
    variant = msgspec.structs.replace(MODEL, key="tiny-chat@q4_0")
    site.backend.loaded = [
        instance(MODEL, "poet", config=LoadConfig(context_length=512, flash_attention=True, batch_size=64)),
        instance(variant),
        instance(EMBEDDER, remaining_ttl_s=1799.6),
        instance(MODEL, "tiny-chat:2", loading=True),
    ]
    assert rows(site)["tiny-chat"]["loaded_instances"] == [
        {
            "id": "poet",
            "config": {
                "context_length": 512,
                "eval_batch_size": 64,
                "parallel": 4,
                "flash_attention": True,
                "offload_kv_cache_to_gpu": True,
            },
        },
        {
            "id": "tiny-chat@q4_0",
            "config": {
                "context_length": 1024,
                "eval_batch_size": 512,
                "parallel": 4,
                "offload_kv_cache_to_gpu": True,
            },
        },
    ]
    assert rows(site)["text-embedding-tiny"]["loaded_instances"] == [
        {"id": "text-embedding-tiny", "config": {"context_length": 1024}, "remaining_ttl_seconds": 1800}
    ]
    assert rows(site)["qwen/qwen3-4b"]["loaded_instances"] == []


def test_a_damaged_model_is_not_listed(site: Site) -> None:
    site.backend.on_disk = [msgspec.structs.replace(MODEL, damaged="It is cut off.")]
    assert rows(site) == {}


def test_a_loaded_model_is_listed_although_its_file_is_gone(site: Site) -> None:
    site.backend.on_disk, site.backend.loaded = [EMBEDDER], [instance(MODEL, "poet")]
    assert list(rows(site)) == ["text-embedding-tiny", "tiny-chat"]
    assert [row["id"] for row in rows(site)["tiny-chat"]["loaded_instances"]] == ["poet"]


def test_models_on_disk_are_listed_whether_requests_may_load_them_or_not(site: Site) -> None:
    site.backend.loads = False
    assert len(rows(site)) == 3


def load(site: Site, **fields: Any) -> Any:
    return site.post("/api/v1/models/load", model="tiny-chat", **fields)


def test_a_load_replies_with_the_instance(site: Site) -> None:
    assert load(site).json == {
        "type": "llm",
        "instance_id": "tiny-chat",
        "load_time_seconds": 0.25,
        "status": "loaded",
    }
    assert site.backend.loads_asked == [LoadRequest("tiny-chat")]


def test_a_load_is_asked_for_as_its_fields_say_and_repeats_them_if_it_shall(site: Site) -> None:
    asked = {
        "context_length": 512,
        "eval_batch_size": 64,
        "flash_attention": False,
        "offload_kv_cache_to_gpu": False,
        "parallel": 2,
    }
    reply = load(site, **asked, echo_load_config=True)
    assert reply.json["load_config"] == asked | {"parallel": 4}, "the instance in force decides"
    assert site.backend.loads_asked[0].config == LoadConfig(
        context_length=512, batch_size=64, flash_attention=False, offload_kv_cache=False, parallel=2
    )


def test_a_mixture_of_experts_is_loaded_with_as_many_as_asked_for_and_says_how_many(site: Site) -> None:
    site.backend.on_disk = [msgspec.structs.replace(MODEL, experts=8, experts_used=2)]
    assert load(site, echo_load_config=True).json["load_config"]["num_experts"] == 2
    assert load(site, echo_load_config=True, num_experts=4).json["load_config"]["num_experts"] == 4
    assert [asked.config.num_experts for asked in site.backend.loads_asked] == [None, 4]


@pytest.mark.parametrize(("asked", "taken"), [(None, True), (8, True), (9, False)])
def test_no_more_experts_are_taken_than_there_are(asked: int | None, taken: bool) -> None:
    mixture = msgspec.structs.replace(MODEL, experts=8)
    with nullcontext() if taken else pytest.raises(InvalidRequest, match="8 experts"):
        mixture.require_experts(asked)
    with pytest.raises(InvalidRequest, match="no mixture"):
        MODEL.require_experts(1)


def test_an_embedding_model_repeats_its_context_alone(site: Site) -> None:
    reply = site.post("/api/v1/models/load", model="text-embedding-tiny", echo_load_config=True)
    assert (reply.json["type"], reply.json["load_config"]) == ("embedding", {"context_length": 1024})


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"ttl": 60}, "ttl", "unrecognized_keys"),
        ({"stream": True}, "stream", "unrecognized_keys"),
        ({"rope_frequency_scale": 2}, "rope_frequency_scale", "unrecognized_keys"),
        ({"num_experts": 0}, "num_experts", "invalid_value"),
        ({"context_length": 0}, "context_length", "invalid_value"),
        ({"context_length": 2049}, "context_length", "invalid_value"),
        ({"context_length": "max"}, "context_length", "invalid_value"),
        ({"eval_batch_size": 0}, "eval_batch_size", "invalid_value"),
        ({"parallel": 0}, "parallel", "invalid_value"),
        ({"flash_attention": "on"}, "flash_attention", "invalid_value"),
        ({"model": ""}, "model", "invalid_value"),
    ],
)
def test_what_a_load_cannot_honour_is_a_400_that_names_it(
    site: Site, fields: dict[str, Any], param: str, code: str
) -> None:
    reply = site.post("/api/v1/models/load", **{"model": "tiny-chat"} | fields)
    error = reply.json["error"]
    assert (reply.status_code, error["type"], error["param"], error["code"]) == (400, "invalid_request", param, code)
    assert site.backend.loads_asked == []


def test_a_load_of_an_unknown_model_is_a_404(site: Site) -> None:
    reply = site.post("/api/v1/models/load", model="nope")
    assert (reply.status_code, reply.json["error"]["type"]) == (404, "model_not_found")


def test_a_load_without_room_is_a_503(site: Site) -> None:
    site.backend.refusal = NotEnoughMemory("12 GB are free.")
    assert load(site).status_code == 503


def test_a_client_that_leaves_calls_its_load_off(site: Site) -> None:
    ours, clients = socket.socketpair()
    with ours:
        clients.close()
        environ = {"gunicorn.socket": ours}
        site.client.post("/api/v1/models/load", json={"model": "tiny-chat"}, environ_overrides=environ).close()
    assert "the client left" in site.lines()[-1]
    assert site.backend.loaded == []


def test_an_instance_is_unloaded_by_its_id(site: Site) -> None:
    site.backend.loaded = [instance(MODEL, "poet")]
    assert site.post("/api/v1/models/unload", instance_id="poet").json == {"instance_id": "poet"}
    assert site.backend.loaded == []


def test_unloading_what_is_not_loaded_is_a_404(site: Site) -> None:
    reply = site.post("/api/v1/models/unload", instance_id="poet")
    assert (reply.status_code, reply.json["error"]["type"]) == (404, "model_not_found")
    assert "poet" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "instance_id", "missing_required_parameter"),
        ({"instance_id": ""}, "instance_id", "invalid_value"),
        ({"instance_id": "a", "model": "a"}, "model", "unrecognized_keys"),
    ],
)
def test_an_unload_that_names_no_instance_is_a_400(site: Site, fields: dict[str, Any], param: str, code: str) -> None:
    reply = site.post("/api/v1/models/unload", **fields)
    assert (reply.status_code, reply.json["error"]["param"], reply.json["error"]["code"]) == (400, param, code)


@pytest.mark.parametrize(("asked", "taken"), [(None, True), (2048, True), (2049, False)])
def test_a_context_may_be_as_long_as_the_model_takes(asked: int | None, taken: bool) -> None:
    with nullcontext() if taken else pytest.raises(InvalidRequest, match="2048"):
        MODEL.require_context(asked)
    msgspec.structs.replace(MODEL, max_context_length=0).require_context(asked)  # it does not say, and takes any
