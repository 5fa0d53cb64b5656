"""The JSON that `--json` prints, with LM Studio's names. Optional keys are left out, never null, except where LM Studio
prints null: `deviceIdentifier`, `ttlMs`, `lastUsedTime`, `parallel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lms.cli.chat_saved import Chat
    from lms.client.control import InstanceRow, MemoryEstimate, ModelRow, Pace, ServerStatus
    from lms.config.load import LoadConfig
    from lms.config.tokens import Token

# LM Studio calls an MLX model by the format of its files.
_FORMATS = {"gguf": "gguf", "mlx": "safetensors"}

LOAD_CONFIG = {
    "context_length": "contextLength",
    "parallel": "maxParallelPredictions",
    "gpu_ratio": "gpuRatio",
    "threads": "threads",
    "batch_threads": "batchThreads",
    "batch_size": "evalBatchSize",
    "micro_batch_size": "physicalBatchSize",
    "k_cache_type": "llamaKCacheQuantizationType",
    "v_cache_type": "llamaVCacheQuantizationType",
    "flash_attention": "flashAttention",
    "num_experts": "numExperts",
    "unified_kv": "useUnifiedKvCache",
    "offload_kv_cache": "offloadKVCacheToGpu",
    "use_mmap": "tryMmap",
    "use_mlock": "keepModelInMemory",
    "speculation": "speculation",
    "draft_model": "draftModel",
    "prompt_cache_mb": "promptCacheMb",
    "prompt_cache_disk_mb": "promptCacheDiskMb",
    "overflow": "contextOverflowPolicy",
    "main_gpu": "mainGpu",
    "tensor_split": "tensorSplit",
    "lora": "lora",
    "chat_template": "promptTemplate",
}


def model(row: ModelRow) -> dict[str, Any]:
    """`ModelInfo`: one model on disk. `damaged` (why it cannot be loaded) is ours."""
    shape = {
        "type": "embedding" if row.kind == "embedding" else "llm",
        "modelKey": row.key,
        "format": _FORMATS[row.format],
        "displayName": row.display_name,
        "publisher": row.publisher,
        "path": row.path,
        "sizeBytes": row.size_bytes,
        "indexedModelIdentifier": row.path,
        "deviceIdentifier": None,
    }
    optional: dict[str, Any] = {
        "paramsString": row.params,
        "architecture": row.arch,
        "quantization": _quantization(row),
        "variants": list(row.variants) or None,
        "selectedVariant": row.selected_variant,
        "damaged": row.damaged,
    }
    shape |= {key: value for key, value in optional.items() if value is not None}
    if row.kind != "embedding":
        shape |= {"vision": row.vision, "trainedForToolUse": row.tool_use}
    return shape | {"maxContextLength": row.max_context_length}


def _quantization(row: ModelRow) -> dict[str, Any] | None:
    if row.quantization is None:
        return None
    return {"name": row.quantization} | ({"bits": row.quantization_bits} if row.quantization_bits else {})


def instance(row: InstanceRow) -> dict[str, Any]:
    """One loaded model, as `lms ps` lists it. `queued` counts the request in work too; `loadConfig` and
    `pinned`, there when it is true, are ours.
    """
    pinned = {"pinned": True} if row.pinned else {}
    shape = {
        "identifier": row.identifier,
        "ttlMs": None if row.ttl_s is None else round(row.ttl_s * 1000),
        "lastUsedTime": row.last_used_ms,
        "contextLength": row.context_length,
        "status": row.state,
        "queued": row.running + row.queued,
        "parallel": None if row.model.kind == "embedding" else row.parallel,
        "loadConfig": load_config(row.config),
    }
    return model(row.model) | shape | pinned


def load_config(config: LoadConfig) -> dict[str, Any]:
    """What was asked for when it was loaded, under the SDK's names where it has one."""
    import msgspec

    return {LOAD_CONFIG[name]: value for name, value in msgspec.to_builtins(config).items()}


def instances(rows: list[InstanceRow]) -> list[dict[str, Any]]:
    """Every loaded model, embedding models last."""
    return [instance(row) for row in in_order(rows)]


def in_order(rows: list[InstanceRow]) -> list[InstanceRow]:
    """Embedding models last."""
    return sorted(rows, key=lambda row: row.model.kind == "embedding")


def paced(rows: list[InstanceRow], paces: Mapping[str, Pace]) -> list[dict[str, Any]]:
    """The same with what of it is ours: the requests that wait, and of the answers in work, else of the last one if
    there is one, the speed and the tokens of context that the longest takes.
    """
    return [instance(row) | {"waiting": row.queued} | _pace(paces.get(row.identifier)) for row in in_order(rows)]


def _pace(pace: Pace | None) -> dict[str, Any]:
    known = {"tokensPerSecond": pace.tokens_per_second, "contextUsed": pace.context_tokens} if pace else {}
    return {name: value for name, value in known.items() if value is not None}


def estimate(figures: MemoryEstimate) -> dict[str, Any]:
    """What a load would take. The budget's figures are there when there is a budget."""
    budget = {"budgetBytes": figures.budget_bytes, "budgetFreeBytes": figures.budget_free_bytes}
    return {
        "modelKey": figures.model.key,
        "contextLength": figures.context_length,
        "memory": {
            "modelBytes": figures.weights_bytes,
            "contextBytes": figures.context_bytes,
            "computeBytes": figures.compute_bytes,
            "engineBytes": figures.engine_bytes,
            "draftModelBytes": figures.draft_bytes,
            "promptCacheBytes": figures.prompt_cache_bytes,
            "gpuBytes": figures.gpu_bytes,
            "totalBytes": figures.total_bytes,
            "availableBytes": figures.available_bytes,
            "freedBytes": figures.freed_bytes,
            **({} if figures.budget_bytes is None else budget),
        },
        "evicted": list(figures.evicted),
        "passesGuardrails": figures.fits,
    }


def server(status: ServerStatus) -> dict[str, Any]:
    """`port` is the last one used when the server is off, and left out if there never was one. `requireAuth`, ours, is
    there when it is true.
    """
    port = {} if status.port is None else {"port": status.port}
    return {"running": status.running} | port | ({"requireAuth": True} if status.admission.require_auth else {})


def chat(saved: Chat) -> dict[str, Any]:
    """A saved chat, without what was said in it."""
    return {
        "id": saved.id,
        "title": saved.title,
        "model": saved.model,
        "createdAt": saved.created_s,
        "changedAt": saved.changed_s,
        "messages": len(saved.messages),
    }


def token(kept: Token) -> dict[str, Any]:
    """What may be shown of an API token."""
    expires = {} if kept.expires_s is None else {"expiresAt": kept.expires_s}
    return {
        "id": kept.id,
        "name": kept.name,
        "permissions": list(kept.permissions),
        "createdAt": kept.created_s,
    } | expires
