"""Models and plans that exist only in tests of the pool."""

from pathlib import Path

from lms.client.control import ModelFormat, ModelKind, ModelRow
from lms.config.load import LoadConfig
from lms.engine.protocol import Ready, Runtime
from lms.pool.instance import Plan
from lms.pool.known import Known

RUNTIME = Runtime("fake", "1", ("gguf",))


def known(key: str, kind: ModelKind = "llm", format: ModelFormat = "gguf", damaged: str | None = None) -> Known:
    row = ModelRow(
        key=key,
        kind=kind,
        format=format,
        publisher="lms",
        display_name=key,
        path=f"lms/{key}/{key}.gguf",
        size_bytes=100,
        max_context_length=2048,
        modified_s=0,
        quantization="Q8_0",
        damaged=damaged,
    )
    return Known(row, Path(f"/models/{key}.gguf"))


def by_hand(
    key: str, identifier: str = "", ttl_s: float | None = None, need_bytes: int = 0, kind: ModelKind = "llm"
) -> Plan:
    return Plan(known(key, kind), identifier, LoadConfig(), ttl_s, jit=False, need_bytes=need_bytes)


def jit(
    key: str,
    ttl_s: float | None = 3600.0,
    need_bytes: int = 0,
    kind: ModelKind = "llm",
    context_length: int = 2048,
) -> Plan:
    known_model = known(key, kind)
    return Plan(known_model, "", LoadConfig(), ttl_s, jit=True, need_bytes=need_bytes, context_length=context_length)


def ready(memory_bytes: int = 0, context_length: int = 2048) -> Ready:
    return Ready(context_length, 4, RUNTIME, memory_bytes, load_time_s=0.5)
