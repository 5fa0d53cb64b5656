"""`GET /api/v1/models`, and how models are loaded and unloaded. The models on disk, each with its loaded instances."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lms.client.control import InstanceRow, LoadDone, LoadRequest, ModelRow
from lms.config.bounds import MOST_PARALLEL
from lms.config.load import DEFAULT_BATCH, BatchTokens, Experts, LoadConfig, Tokens
from lms.server.requests.fields import NonEmpty, PositiveInt, decode


class LoadBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """LM Studio's fields, and `parallel`: how many answers run at once."""

    model: NonEmpty
    context_length: Tokens | None = None
    eval_batch_size: BatchTokens | None = None
    flash_attention: bool | None = None
    num_experts: Experts | None = None
    offload_kv_cache_to_gpu: bool | None = None
    parallel: Annotated[int, Meta(ge=1, le=MOST_PARALLEL)] | None = None
    echo_load_config: bool | None = None


class LenientLoadBody(LoadBody, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """As `LenientChatBody`."""

    ttl: PositiveInt | None = None


class UnloadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instance_id: NonEmpty


def parse_load(raw: bytes, lenient: bool = False) -> tuple[LoadRequest, bool]:
    """What is to be loaded, and whether the reply repeats how. Raises InvalidRequest naming the field."""
    body = decode(raw, LenientLoadBody if lenient else LoadBody)
    config = LoadConfig(
        context_length=body.context_length,
        parallel=body.parallel,
        batch_size=body.eval_batch_size,
        flash_attention=body.flash_attention,
        num_experts=body.num_experts,
        offload_kv_cache=body.offload_kv_cache_to_gpu is not False,
    )
    ttl_s = body.ttl if isinstance(body, LenientLoadBody) else None
    said = ("offload_kv_cache",) if body.offload_kv_cache_to_gpu else ()
    return LoadRequest(body.model, ttl_s=ttl_s, config=config, said=said), bool(body.echo_load_config)


def load_body(done: LoadDone, echo: bool) -> dict[str, Any]:
    body = {
        "type": _type(done.instance.model),
        "instance_id": done.instance.identifier,
        "load_time_seconds": done.load_time_s,
        "status": "loaded",
    }
    return body | ({"load_config": _config(done.instance)} if echo else {})


def list_body(models: Iterable[ModelRow], instances: Iterable[InstanceRow]) -> dict[str, Any]:
    """Every model that is loaded or can be. An instance belongs to its model, whichever variant of it is loaded."""
    loaded = [row for row in instances if row.state != "loading"]
    sound = [model for model in models if model.damaged is None]
    by_name = {_name(model): model for model in (*(row.model for row in loaded), *sound)}
    rows = [_model(model, [row for row in loaded if _name(row.model) == name]) for name, model in by_name.items()]
    return {"models": sorted(rows, key=lambda row: str(row["key"]))}


def _name(model: ModelRow) -> str:
    """The key of all its variants."""
    return model.key.partition("@")[0]


def _model(model: ModelRow, instances: list[InstanceRow]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": _type(model),
        "publisher": model.publisher,
        "key": model.key,
        "display_name": model.display_name,
        "quantization": _quantization(model),
        "size_bytes": model.size_bytes,
        "params_string": model.params,
        "loaded_instances": [_instance(row) for row in instances],
        "max_context_length": model.max_context_length,
        "format": model.format,
    }
    if model.variants:
        fields |= {"variants": list(model.variants), "selected_variant": model.selected_variant}
    if model.kind == "embedding":
        return fields
    return fields | {"architecture": model.arch, "capabilities": _capabilities(model), "description": None}


def _type(model: ModelRow) -> str:
    return "embedding" if model.kind == "embedding" else "llm"


def _quantization(model: ModelRow) -> dict[str, Any] | None:
    if model.quantization is None:
        return None
    return {"name": model.quantization, "bits_per_weight": model.quantization_bits or None}


def _capabilities(model: ModelRow) -> dict[str, Any]:
    capabilities: dict[str, Any] = {"vision": model.vision, "trained_for_tool_use": model.tool_use}
    if model.reasoning:
        offered = {"allowed_options": list(model.reasoning), "default": model.reasoning_default}
        capabilities["reasoning"] = offered
    return capabilities


def _instance(row: InstanceRow) -> dict[str, Any]:
    """The time that is left is told of instances that go by themselves: those that a request has loaded, mostly."""
    fields: dict[str, Any] = {"id": row.identifier, "config": _config(row)}
    return fields if row.remaining_ttl_s is None else fields | {"remaining_ttl_seconds": round(row.remaining_ttl_s)}


def _config(row: InstanceRow) -> dict[str, Any]:
    """How it is loaded. Whether attention is flash is told where it was asked for: else the engine chooses."""
    config: dict[str, Any] = {"context_length": row.context_length}
    if row.model.kind == "embedding":
        return config
    config |= {
        "eval_batch_size": row.config.batch_size or DEFAULT_BATCH,
        "parallel": row.parallel,
        "offload_kv_cache_to_gpu": row.config.offload_kv_cache,
    }
    chosen = {"flash_attention": row.config.flash_attention, "num_experts": _experts(row)}
    return config | {name: value for name, value in chosen.items() if value is not None}


def _experts(row: InstanceRow) -> int | None:
    return row.config.num_experts or row.model.experts_used or None
