"""A backend whose models and instances are lists, and whose leases lead to one engine."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from lms.client.control import InstanceRow, Lease, ModelRow
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

    The first `stale` leases lead to an engine that is gone. A lease is waited for as long as `waits` has something.
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

    def models(self) -> list[ModelRow]:
        return sorted(self.on_disk, key=lambda row: row.key)

    def instances(self) -> list[InstanceRow]:
        return self.loaded

    def jit(self) -> bool:
        return self.loads

    def wait_for_lease(
        self, model: str, kind: Literal["llm", "embedding"], ttl_s: float | None, draft_model: str | None
    ) -> Generator[Lease | None, None, None]:
        self.asked.append((model, kind, ttl_s))
        self.draft_models.append(draft_model)
        for _ in self.waits:
            yield None
        if self.refusal is not None:
            raise self.refusal
        assert self.engine is not None
        lease = self.engine.lease(self.row(model, kind))
        gone = ".gone" if len(self.asked) <= self.stale else ""
        draft = DraftModel(draft_model, f"/models/{draft_model}.gguf") if draft_model else None
        yield msgspec.structs.replace(lease, socket_path=lease.socket_path + gone, draft_model=draft)

    def row(self, model: str, kind: Literal["llm", "embedding"]) -> ModelRow:
        """The model by that key. Refuses as the pool does: an unknown one, or one of the other kind."""
        for row in self.on_disk:
            if row.key == model and (row.kind == "embedding") == (kind == "embedding"):
                return row
            if row.key == model:
                raise InvalidRequest(f"“{model}” is of the other kind.", param="model")
        raise ModelNotFound(f"No model is called “{model}”.", hint="There are: tiny-chat.")


def instance(row: ModelRow = MODEL, identifier: str | None = None, loading: bool = False) -> InstanceRow:
    """A loaded (or loading) instance of `row`."""
    return InstanceRow(identifier or row.key, row, "loading" if loading else "idle", context_length=1024, parallel=4)
