"""The catalog's models in the words of the daemon's API, and what loading them takes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from lms.catalog.catalog import Catalog
from lms.catalog.estimate import LoadPlan, MemoryEstimate, estimate, is_split_cheap, shared_cells
from lms.catalog.model import Kind, Model
from lms.client.control import ModelRow
from lms.config.load import DEFAULT_CONTEXT_LENGTH, DEFAULT_PARALLEL, DEFAULT_PROMPT_CACHE_MB, LoadConfig, Lora
from lms.config.passes import for_processor, pass_sizes
from lms.errors import InvalidRequest
from lms.pool.known import Known, Need

MIB = 1 << 20
ENGINE_BYTES = 52 * MIB  # Python, llama-cpp-python and their libraries: 40 to 57 MiB beside models of 4 to 170 MB


class OnDisk:
    """`known.Models` over the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def all(self) -> list[Known]:
        """As it is now: whoever asks may just have put a model there."""
        listing = self._catalog.listing(max_age_s=0)
        return [_with_family(_known(model), listing.variants(model)) for model in listing.models]

    def resolve(self, typed: str, fuzzy: bool = False) -> Known:
        return _known(self._catalog.resolve(typed, fuzzy=fuzzy))

    def need(self, known: Known, config: LoadConfig) -> Need:
        model = self._catalog.resolve(known.row.key)
        context_length = planned_context(known.row, config)
        plan = load_plan(model, config, context_length)
        sizes = estimate(_with_experts(model, config.num_experts), plan)
        return Need(
            context_length=context_length,
            weights_bytes=sizes.weights_bytes + sum(_lora_bytes(lora) for lora in config.lora),
            context_bytes=sizes.cache_bytes,
            compute_bytes=sizes.compute_bytes,
            unified=plan.unified_cache,
            cells=plan.cells,
            prompt_cache_bytes=0 if model.kind is Kind.EMBEDDING else prompt_cache_bytes(config, sizes),
            gpu_bytes=sizes.gpu_total_bytes,
            engine_bytes=ENGINE_BYTES,
        )


def _lora_bytes(lora: Lora) -> int:
    try:
        return Path(lora.path).stat().st_size
    except OSError as error:
        raise InvalidRequest(f"The LoRA adapter {lora.path} cannot be read: {error.strerror}.", param="lora") from error


def _with_experts(model: Model, number: int | None) -> Model:
    """The model as if it used so many of its experts."""
    shape = model.shape
    used = number or shape.n_experts_used
    return replace(model, shape=msgspec.structs.replace(shape, n_experts_used=used))


def load_plan(model: Model, config: LoadConfig, context_length: int) -> LoadPlan:
    """What `config` means for the memory of `model`.

    Without an accelerator, that is: with one, the scratch memory of a pass may be a little less or more.
    """
    embedding = model.kind is Kind.EMBEDDING
    if config.unified_kv is None and not embedding:
        split = load_plan(model, msgspec.structs.replace(config, unified_kv=False), context_length)
        if is_split_cheap(model, split):
            return split
    if not embedding:
        cells = max(context_length, _shared_cells(model, config, context_length))
        config = for_processor(config, model.shape.n_head, cells, sees=model.projector is not None)
    passes = pass_sizes(config, context_length, embedding=embedding)
    plan = LoadPlan(
        context_length,
        parallel=config.parallel or DEFAULT_PARALLEL,
        unified_cache=config.unified_kv is not False,
        gpu_ratio=config.gpu_ratio or 0.0,
        key_type=config.k_cache_type,
        value_type=config.v_cache_type,
        flash_attention=config.flash_attention is not False,
        cache_on_gpu=config.offload_kv_cache,
        micro_batch_tokens=passes.micro_batch_tokens,
        outputs=passes.outputs,
    )
    if embedding:  # which has one context as long as a batch
        return replace(plan, context_length=passes.batch_tokens, unified_cache=True, parallel=1)
    return replace(plan, cells=_shared_cells(model, config, context_length))


def _shared_cells(model: Model, config: LoadConfig, context_length: int) -> int:
    """0 where each sequence has a cache of its own."""
    plan = LoadPlan(
        context_length,
        parallel=config.parallel or DEFAULT_PARALLEL,
        key_type=config.k_cache_type,
        value_type=config.v_cache_type,
    )
    return 0 if config.unified_kv is False else shared_cells(model.shape, plan)


def prompt_cache_bytes(config: LoadConfig, sizes: MemoryEstimate) -> int:
    """As asked for; else no more than the model takes anyway: what a small one has read is soon read again."""
    if config.prompt_cache_mb is not None:
        return config.prompt_cache_mb * MIB
    return min(DEFAULT_PROMPT_CACHE_MB * MIB, sizes.weights_bytes + sizes.cache_bytes)


def planned_context(row: ModelRow, config: LoadConfig) -> int:
    """The context length that a load will have: as asked for, else the default, never more than the model takes."""
    wanted = config.context_length or DEFAULT_CONTEXT_LENGTH
    return min(wanted, row.max_context_length) if row.max_context_length else wanted


def _known(model: Model) -> Known:
    shape = model.shape
    has_state = shape.recurrent_floats > 0
    return Known(model_row(model), model.path, shape.n_layers, model.vocabulary, has_state, model.projector)


def _with_family(known: Known, variants: Sequence[Model]) -> Known:
    """With what all variants take on disk; a projector that they share counts once."""
    if len(variants) == 1:
        return known
    projectors = [variant.projector for variant in variants if variant.projector]
    repeated = sum(_size_bytes(projector) * (projectors.count(projector) - 1) for projector in set(projectors))
    family_bytes = sum(variant.size_bytes for variant in variants) - repeated
    return replace(known, row=msgspec.structs.replace(known.row, family_bytes=family_bytes))


def _size_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def model_row(model: Model) -> ModelRow:
    """How a model of the catalog is shown."""
    quantization = model.quantization
    return ModelRow(
        key=model.key,
        kind=model.kind.value,
        format=model.format.value,
        publisher=model.publisher,
        display_name=model.display_name,
        path=model.relative_path,
        size_bytes=model.size_bytes,
        max_context_length=model.max_context_length,
        modified_s=int(model.modified_s),
        arch=model.arch,
        quantization=quantization.name if quantization else None,
        quantization_bits=quantization.bits if quantization else None,
        params=model.params_label,
        vision=model.vision,
        tool_use=model.tool_use,
        experts=model.shape.n_experts,
        experts_used=model.shape.n_experts_used,
        reasoning=model.reasoning.options if model.reasoning else (),
        reasoning_default=model.reasoning.default if model.reasoning else None,
        variants=model.variants,
        selected_variant=model.selected_variant,
        bundled=model.bundled,
        damaged=model.damaged,
    )
