"""The catalog's models in the words of the daemon's API, and what loading them takes."""

from dataclasses import replace

from lms.catalog.catalog import Catalog
from lms.catalog.estimate import LoadPlan, estimate, shared_cells
from lms.catalog.model import Model
from lms.client.control import ModelRow
from lms.config.load import DEFAULT_CONTEXT_LENGTH, DEFAULT_PARALLEL, LoadConfig
from lms.pool.known import Known, Need


class OnDisk:
    """`known.Models` over the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def all(self) -> list[Known]:
        return [_known(model) for model in self._catalog.models()]

    def resolve(self, typed: str, fuzzy: bool = False) -> Known:
        return _known(self._catalog.resolve(typed, fuzzy=fuzzy))

    def need(self, known: Known, config: LoadConfig) -> Need:
        model = self._catalog.resolve(known.row.key)
        context_length = planned_context(known.row, config)
        plan = LoadPlan(
            context_length,
            parallel=config.parallel or DEFAULT_PARALLEL,
            key_type=config.k_cache_type,
            value_type=config.v_cache_type,
        )
        cells = shared_cells(model.shape, plan)
        sizes = estimate(model, replace(plan, cells=cells))
        return Need(context_length, sizes.weights_bytes, sizes.cache_bytes, sizes.compute_bytes, cells)


def planned_context(row: ModelRow, config: LoadConfig) -> int:
    """The context length that a load will have: as asked for, else the default, never more than the model takes."""
    wanted = config.context_length or DEFAULT_CONTEXT_LENGTH
    return min(wanted, row.max_context_length) if row.max_context_length else wanted


def _known(model: Model) -> Known:
    return Known(model_row(model), model.path, model.shape.n_layers)


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
        variants=model.variants,
        selected_variant=model.selected_variant,
        bundled=model.bundled,
        damaged=model.damaged,
    )
