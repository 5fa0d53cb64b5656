"""A backend whose models and instances are lists, and whose leases lead to one engine."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from lms.client.control import (
    InstanceRow,
    Lease,
    LeaseProgress,
    LeaseRequest,
    LoadDone,
    LoadProgress,
    LoadRequest,
    ModelRow,
)
from lms.config.load import LoadConfig
from lms.errors import InvalidRequest, ModelNotFound
from lms.generation.request import DraftModel
from tests.server.scripted_engine import MODEL, ScriptedEngine

EMBEDDER = msgspec.structs.replace(
    MODEL, key="text-embedding-tiny", kind="embedding", arch="bert", quantization="Q4_K_M", tool_use=False
)
SLASHED = msgspec.structs.replace(MODEL, key="qwen/qwen3-4b", publisher="qwen", variants=("qwen/qwen3-4b@q4_k_m",))


@dataclass
class ListedBackend:
    """Implements `Backend`. `asked` are the leases that were wanted; `refusal` is raised instead of granting any.

    The first `stale` leases lead to an engine that is gone. A lease is waited for as long as `waits` has something;
    news of a load among it is passed on.
    """

    engine: ScriptedEngine | None = None
    on_disk: list[ModelRow] = field(default_factory=lambda: [MODEL, EMBEDDER, SLASHED])
    loaded: list[InstanceRow] = field(default_factory=list)
    loads: bool = True
    refusal: Exception | None = None
    stale: int = 0
    waits: Iterable[object] = ()
    asked: list[tuple[str, str, float | None]] = field(default_factory=list)
    draft_models: list[str | None] = field(default_factory=list)
    context_lengths: list[int | None] = field(default_factory=list)
    pictures: list[str | None] = field(default_factory=list)
    loads_asked: list[LoadRequest] = field(default_factory=list)

    def models(self) -> list[ModelRow]:
        return sorted(self.on_disk, key=lambda row: row.key)

    def instances(self) -> list[InstanceRow]:
        return self.loaded

    def jit(self) -> bool:
        return self.loads

    def wait_for_lease(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        self.asked.append((request.model, request.kind, request.ttl_s))
        self.draft_models.append(request.draft_model)
        self.context_lengths.append(request.context_length)
        self.pictures.append(request.picture)
        for news in self.waits:
            yield news if isinstance(news, LeaseProgress) else None
        if self.refusal is not None:
            raise self.refusal
        assert self.engine is not None
        lease = self.engine.lease(self.row(request))
        gone = ".gone" if len(self.asked) <= self.stale else ""
        name = request.draft_model
        draft = DraftModel(name, f"/models/{name}.gguf") if name else None
        yield msgspec.structs.replace(lease, socket_path=lease.socket_path + gone, draft_model=draft)

    def row(self, request: LeaseRequest) -> ModelRow:
        """The model that is meant. Refuses as the pool does: an unknown one, or one of another kind."""
        row = self.resolve(request.model)
        if request.kind != "any" and (row.kind == "embedding") != (request.kind == "embedding"):
            raise InvalidRequest(f"“{request.model}” is of the other kind.", param="model")
        return row

    def resolve(self, typed: str) -> ModelRow:
        for row in self.on_disk:
            if typed in (row.key, f"{row.publisher}/{row.key}"):
                return row
        raise ModelNotFound(f"No model is called “{typed}”.", hint="There are: tiny-chat.")

    def load(self, request: LoadRequest) -> Generator[LoadProgress | LoadDone, None, None]:
        """Loads at once, telling half of the way."""
        row = self.resolve(request.model)
        self.loads_asked.append(request)
        yield LoadProgress(0.5)
        if self.refusal is not None:
            raise self.refusal
        self.loaded.append(instance(row, request.identifier, config=request.config))
        yield LoadDone(self.loaded[-1], load_time_s=0.25)

    def unload(self, identifier: str) -> InstanceRow:
        for row in self.loaded:
            if row.identifier == identifier:
                self.loaded.remove(row)
                return row
        raise ModelNotFound(f"No loaded model has the identifier “{identifier}”.")


def instance(
    row: ModelRow = MODEL,
    identifier: str | None = None,
    loading: bool = False,
    config: LoadConfig = LoadConfig(),  # noqa: B008 - frozen
    **fields: Any,
) -> InstanceRow:
    """A loaded (or loading) instance of `row`."""
    state: Literal["loading", "idle"] = "loading" if loading else "idle"
    context_length = config.context_length or 1024
    return InstanceRow(identifier or row.key, row, state, context_length, parallel=4, config=config, **fields)
