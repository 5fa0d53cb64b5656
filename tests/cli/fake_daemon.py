"""A daemon without a process: the methods that the commands use, over a list of models and a list of instances."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from msgspec.structs import replace

from lms.client.control import (
    Admission,
    DaemonStatus,
    InstanceRow,
    LoadDone,
    LoadProgress,
    LoadRequest,
    MemoryEstimate,
    ModelRow,
    Pace,
    ServerStart,
    ServerStatus,
)
from lms.errors import AmbiguousModel, DaemonUnreachable, IdentifierInUse, LmsError, ModelNotFound, ServerNotRunning
from lms.logbus.records import LogRecord
from tests.cli.fake_downloads import FakeDownloads

PID = 4711

QWEN = ModelRow(
    key="qwen3-4b",
    kind="llm",
    format="gguf",
    publisher="qwen",
    display_name="Qwen3 4B",
    path="qwen/Qwen3-4B-GGUF/qwen3-4b-q4_k_m.gguf",
    size_bytes=2_497_280_256,
    max_context_length=40960,
    modified_s=1_790_000_000,
    arch="qwen3",
    quantization="Q4_K_M",
    quantization_bits=4,
    params="4B",
    tool_use=True,
    variants=("qwen3-4b@q4_k_m", "qwen3-4b@q8_0"),
    selected_variant="qwen3-4b@q4_k_m",
)
TINY = ModelRow(
    key="tiny-chat",
    kind="llm",
    format="gguf",
    publisher="lms",
    display_name="Tiny Chat",
    path="lms/tiny-chat/tiny-chat.gguf",
    size_bytes=3_900_000,
    max_context_length=2048,
    modified_s=1_790_000_000,
    arch="llama",
    quantization="F16",
    quantization_bits=16,
    params="2M",
    bundled=True,
)
EMBEDDING = ModelRow(
    key="text-embedding-tiny",
    kind="embedding",
    format="mlx",
    publisher="lms",
    display_name="Text Embedding Tiny",
    path="lms/text-embedding-tiny",
    size_bytes=2_500_000,
    max_context_length=512,
    modified_s=1_790_000_000,
)
BROKEN = ModelRow(
    key="broken",
    kind="llm",
    format="gguf",
    publisher="someone",
    display_name="broken",
    path="someone/broken/broken.gguf",
    size_bytes=10,
    max_context_length=0,
    modified_s=1_790_000_000,
    damaged="The file ends in the middle of its header.",
)


@dataclass
class FakeDaemon(FakeDownloads):
    """`on` is whether it runs. `stop_after` breaks off a load after so many reports, as Ctrl-C would.

    A broken off load leaves what the daemon would: nothing, with `stop_leaves` an instance in that state, for as many
    looks at the instances as `gone_after` says.
    """

    on: bool = True
    models_dir: str = "/home/someone/models"
    rows: list[ModelRow] = field(default_factory=lambda: [BROKEN, QWEN, EMBEDDING, TINY])
    loaded: list[InstanceRow] = field(default_factory=list)
    records: list[LogRecord] = field(default_factory=list)
    server: ServerStatus = field(default_factory=lambda: ServerStatus(running=False))
    warnings: tuple[str, ...] = ()
    version_warning: str | None = None
    reuses: bool = False
    evicts: tuple[str, ...] = ()
    budget_bytes: int | None = None
    load_error: LmsError | None = None
    log_end: BaseException | None = None
    stop_after: int | None = None
    stop_leaves: Literal["idle", "loading"] | None = None
    gone_after: int | None = None
    load_closed: bool = False
    requests: list[LoadRequest] = field(default_factory=list)
    starts: list[ServerStart] = field(default_factory=list)
    pace: list[Pace] = field(default_factory=list)
    answers: list[list[Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def status(self) -> DaemonStatus:
        self._require_on()
        return DaemonStatus(PID, "0.1.0", 0.0, "/home/someone/.lms", self.models_dir, self.server)

    def skew(self) -> str | None:
        self._require_on()
        return self.version_warning

    def shutdown(self) -> None:
        self._require_on()
        self.on = False

    def server_status(self) -> ServerStatus:
        self._require_on()
        return self.server

    def start_server(self, start: ServerStart) -> ServerStatus:
        self._require_on()
        self.starts.append(start)
        admission = Admission(start.origins or (), bool(start.require_auth))
        host = start.host or "127.0.0.1"
        self.server = ServerStatus(
            True, None if host.startswith("unix:") else start.port or 1234, host, admission, 4712
        )
        return self.server

    def stop_server(self) -> ServerStatus:
        self._require_on()
        if not self.server.running:
            raise ServerNotRunning("The server is not running.")
        self.server = ServerStatus(False, self.server.port)
        return self.server

    def models(self) -> list[ModelRow]:
        self._require_on()
        return list(self.rows)

    def instances(self) -> list[InstanceRow]:
        self._require_on()
        if self.gone_after is not None and any(row.state == "loading" for row in self.loaded):
            self.gone_after -= 1
            self.loaded = [row for row in self.loaded if row.state != "loading" or self.gone_after >= 0]
        return list(self.loaded)

    def paces(self) -> list[Pace]:
        self._require_on()
        return list(self.pace)

    def resolve(self, typed: str, fuzzy: bool = False) -> ModelRow:
        self._require_on()
        for row in [*self.rows, *self._variants()]:
            if typed.lower() in (row.key, row.selected_variant) or typed == row.path:
                return row
        begins = [row.key for row in self.rows if fuzzy and row.key.startswith(typed)]
        found = begins or [row.key for row in self.rows if fuzzy and typed in row.key]
        if len(found) == 1:
            return self.resolve(found[0])
        if found:
            raise AmbiguousModel(f"“{typed}” could be several models.", candidates=tuple(found))
        raise ModelNotFound(f"No model matches “{typed}”.", hint="lms ls shows what is on disk, lms get finds more.")

    def load(self, request: LoadRequest) -> Generator[LoadProgress | LoadDone, None, None]:
        self._require_on()
        self.requests.append(request)
        if self.load_error:
            raise self.load_error
        try:
            for step in range(1, 4):
                if self.stop_after == step:
                    self._leave(request)
                    raise KeyboardInterrupt
                yield LoadProgress(step / 4)
            yield LoadDone(self._add(request), 1.25, self.warnings, reused=self.reuses, evicted=self.evicts)
        except GeneratorExit:
            self.load_closed = True
            raise

    def estimate(self, request: LoadRequest) -> MemoryEstimate:
        self.requests.append(request)
        context_length = request.config.context_length or 4096
        row = self.resolve(request.model)
        gib = 1024**3
        return MemoryEstimate(
            row,
            min(context_length, row.max_context_length),
            weights_bytes=3 * gib // 2,
            context_bytes=gib // 2,
            compute_bytes=0,
            total_bytes=5 * gib // 2,
            available_bytes=gib,
            fits=False,
            prompt_cache_bytes=gib // 2,
            gpu_bytes=gib,
            evicted=self.evicts,
            freed_bytes=gib * len(self.evicts),
            budget_bytes=self.budget_bytes,
            budget_free_bytes=self.budget_bytes and gib // 2,
        )

    def unload(self, identifier: str) -> InstanceRow:
        self._require_on()
        for row in self.loaded:
            if row.identifier == identifier:
                self.loaded.remove(row)
                return row
        raise ModelNotFound(f"No loaded model is called “{identifier}”.", hint="See lms ps.")

    def logs(self) -> Generator[LogRecord, None, None]:
        self._require_on()
        yield from self.records
        if self.log_end is not None:
            raise self.log_end

    def chat(self, body: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """Each of `answers` in turn: chunks, or in their place an exception to raise."""
        self._require_on()
        self.asked.append(body)
        for chunk in self.answers.pop(0):
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def send(self, path: str, body: str) -> Generator[str, None, None]:
        """The reply names what was asked."""
        self._require_on()
        yield f"{path} was asked {body}"

    def _variants(self) -> Iterator[ModelRow]:
        for row in self.rows:
            for key in row.variants:
                yield ModelRow(
                    key, row.kind, row.format, row.publisher, row.display_name, f"{row.publisher}/{key}.gguf",
                    row.size_bytes, row.max_context_length, row.modified_s,
                )  # fmt: skip

    def _add(self, request: LoadRequest) -> InstanceRow:
        taken = {row.identifier for row in self.loaded}
        if request.identifier in taken:
            raise IdentifierInUse(f"“{request.identifier}” is in use.")
        row = self.resolve(request.model)
        numbered = (row.key if number == 1 else f"{row.key}:{number}" for number in count(1))
        identifier = request.identifier or next(name for name in numbered if name not in taken)
        config = request.config
        added = InstanceRow(
            identifier,
            row,
            "idle",
            config.context_length or 4096,
            config.parallel or 4,
            ttl_s=request.ttl_s,
            config=config,
            pinned=request.pinned,
        )
        self.loaded.append(added)
        return added

    def _leave(self, request: LoadRequest) -> None:
        if self.stop_leaves is not None:
            self.loaded.remove(row := self._add(request))
            self.loaded.append(replace(row, state=self.stop_leaves))

    def _require_on(self) -> None:
        if not self.on:
            raise DaemonUnreachable("The daemon is not running.")
