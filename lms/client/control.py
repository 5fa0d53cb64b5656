"""The payloads of the daemon's own API (`/internal/…` on its unix socket): what the CLI and the front exchange with it.

Field names are snake_case with units; the dialects and the CLI translate them into what their readers expect.
"""

from typing import Annotated, Any, Literal

import msgspec

from lms.catalog.offers import OfferFormat
from lms.config.load import LoadConfig, Tokens
from lms.engine.protocol import EngineState, Runtime
from lms.errors import InvalidRequest
from lms.generation.request import DraftModel, Overflow, Sampling

ModelKind = Literal["llm", "vlm", "embedding"]
ModelFormat = Literal["gguf", "mlx"]
TtlSeconds = Annotated[float, msgspec.Meta(gt=0, le=2**31 - 1)]


class ModelRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model on disk. `path` is relative to its models folder, with forward slashes.

    `reasoning` is what its reasoning can be set to (`off`, `on`, an effort): nothing where there is no choice. Where it
    is a mixture of `experts`, `experts_used` of them are asked for each token. `family_bytes` is what all variants take
    on disk, where there are several.
    """

    key: str
    kind: ModelKind
    format: ModelFormat
    publisher: str
    display_name: str
    path: str
    size_bytes: int
    max_context_length: int
    modified_s: int
    arch: str | None = None
    quantization: str | None = None
    quantization_bits: int | None = None
    params: str | None = None
    vision: bool = False
    tool_use: bool = False
    reasoning: tuple[str, ...] = ()
    reasoning_default: str | None = None
    experts: int = 0
    experts_used: int = 0
    variants: tuple[str, ...] = ()
    selected_variant: str | None = None
    bundled: bool = False
    damaged: str | None = None
    family_bytes: int = 0

    @property
    def disk_bytes(self) -> int:
        """What it takes on disk with all its variants."""
        return self.family_bytes or self.size_bytes

    def require_context(self, tokens: int | None) -> None:
        """Raise InvalidRequest when the model was made for less than that."""
        if tokens and 0 < self.max_context_length < tokens:
            raise InvalidRequest(
                f"“{self.key}” takes a context of {self.max_context_length} tokens at most, not {tokens}.",
                param="context_length",
            )

    def require_experts(self, number: int | None) -> None:
        """Raise InvalidRequest when the model does not have so many experts."""
        if number is None or number <= self.experts:
            return
        has = f"has {self.experts} experts" if self.experts else "is no mixture of experts"
        raise InvalidRequest(f"“{self.key}” {has}: {number} cannot be used.", param="num_experts")


class InstanceRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One loaded (or loading) model. `queued` counts the requests that wait, `running` those in work.

    ttl_s: idle seconds after which it is unloaded (None: never); last_used_ms: unix time, None if never used.
    """

    identifier: str
    model: ModelRow
    state: EngineState | Literal["loading"]
    context_length: int
    parallel: int
    running: int = 0
    queued: int = 0
    ttl_s: float | None = None
    remaining_ttl_s: float | None = None
    last_used_ms: int | None = None
    memory_bytes: int = 0
    pid: int | None = None
    jit: bool = False
    config: LoadConfig = LoadConfig()
    pinned: bool = False


class Pace(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an instance has answered since the daemon started, `tokens` in all.

    tokens_per_second, context_tokens: of the answers in work, all together and the longest, at most a second or so old;
    else of the last one; None where it wrote none
    """

    identifier: str
    answers: int = 0
    tokens: int = 0
    tokens_per_second: float | None = None
    context_tokens: int | None = None


class Lease(msgspec.Struct, frozen=True, omit_defaults=True):
    """The right to send one request to a loaded model, and what a dialect says about the model that answers.

    `draft_model` is the one that was asked for, for the request to name. `sampling` is what the maker recommends; it
    and `overflow` hold where the request leaves them open.
    """

    identifier: str
    socket_path: str
    model: ModelRow
    context_length: int
    runtime: Runtime
    load_time_s: float | None = None
    draft_model: DraftModel | None = None
    sampling: Sampling = Sampling()
    overflow: Overflow = "refuse"


# What the model has to be good for: to write, to embed, or nothing in particular.
LeaseKind = Literal["llm", "embedding", "any"]


class LeaseRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`ttl_s` applies only when this very request loads the model. `draft_model` is what the user typed.

    `context_length` is the least that will do, in tokens. `watching` asks for news of the load. `picture` is the field
    of the API with a picture that the model has to see.
    """

    model: str
    kind: LeaseKind = "llm"
    ttl_s: TtlSeconds | None = None
    draft_model: str | None = None
    context_length: Tokens | None = None
    watching: bool = False
    picture: str | None = None


class LeaseProgress(msgspec.Struct, frozen=True):
    """The model is being loaded, and will have that identifier. Progress is 0 to 1."""

    identifier: str
    progress: float


class LeaseAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a `LeaseRequest`: any number with `progress`, then one with one of the others.

    `error` is as `errors.to_wire` writes it.
    """

    lease: Lease | None = None
    error: dict[str, Any] | None = None
    progress: LeaseProgress | None = None


class Resolve(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which model does `typed` mean? `fuzzy` also takes a part of a key that only one model has."""

    typed: str
    fuzzy: bool = False


class Unload(msgspec.Struct, frozen=True):
    identifier: str


class LoadRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`model` is what the user typed. An explicit `identifier` in use is an error; without one the key is numbered.

    pinned: it makes room for no other model
    force: load it even if the estimate says that it does not fit
    reuse: an instance that is there and does what is asked for is the answer, instead of a second one
    said: fields of `config` that are asked for to be what they would be anyway: what is set for the model does not
        change these
    """

    model: str
    identifier: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)] | None = None
    ttl_s: TtlSeconds | None = None
    config: LoadConfig = LoadConfig()
    pinned: bool = False
    force: bool = False
    reuse: bool = False
    said: tuple[str, ...] = ()


class LoadProgress(msgspec.Struct, frozen=True, tag="progress"):
    progress: float


class LoadDone(msgspec.Struct, frozen=True, tag="done"):
    """`reused`: nothing was loaded, as the instance was there. `evicted`: identifiers of what was unloaded for it."""

    instance: InstanceRow
    load_time_s: float
    warnings: tuple[str, ...] = ()
    reused: bool = False
    evicted: tuple[str, ...] = ()


class LoadError(msgspec.Struct, frozen=True, tag="error"):
    error: dict[str, Any]


LoadReport = LoadProgress | LoadDone | LoadError


class MemoryEstimate(msgspec.Struct, frozen=True):
    """Bytes a load would take, with the context length it was computed for, and what the machine has free.

    `total_bytes` is the sum, of which any model needs `engine_bytes`; `gpu_bytes` of it are on the accelerator, as far
    as a `gpu_ratio` was asked for. `evicted` are the identifiers of what would be unloaded for it, which gives
    `freed_bytes` back. Of a memory budget of `budget_bytes`, `budget_free_bytes` are left, less than 0 where force
    exceeded it; both are None without one.
    """

    model: ModelRow
    context_length: int
    weights_bytes: int
    context_bytes: int
    compute_bytes: int
    total_bytes: int
    available_bytes: int
    fits: bool
    prompt_cache_bytes: int = 0
    gpu_bytes: int = 0
    draft_bytes: int = 0
    engine_bytes: int = 0
    evicted: tuple[str, ...] = ()
    freed_bytes: int = 0
    budget_bytes: int | None = None
    budget_free_bytes: int | None = None


DownloadStatus = Literal["downloading", "paused", "completed", "failed", "already_downloaded"]


class DownloadRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`model` is what the user typed: `owner/name` or an address on the hub, either with `@quantization`. `file` is one
    of the model's.

    `formats` are those that will do; without any all. `endpoint` and `token` are those of whoever asks, where they are
    not the daemon's own; a token is never written down.
    """

    model: str
    quantization: str | None = None
    file: str | None = None
    formats: tuple[OfferFormat, ...] = ()
    endpoint: str | None = None
    token: str | None = None


class DownloadRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One download. It has no `job_id` when everything was there already; times are unix times.

    `path` is where the model lies or will lie, as `ModelRow.path`. `error` is as `errors.to_wire` writes it.
    """

    status: DownloadStatus
    repo: str
    path: str
    total_bytes: int
    downloaded_bytes: int
    format: OfferFormat
    quantization: str | None = None
    job_id: str | None = None
    started_s: float | None = None
    completed_s: float | None = None
    bytes_per_s: float | None = None
    error: dict[str, Any] | None = None


class HubSearch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which repos do these words find? `endpoint` and `token` are as in `DownloadRequest`."""

    words: str
    formats: tuple[OfferFormat, ...]
    limit: int
    endpoint: str | None = None
    token: str | None = None


class OfferRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model that a repo has. `path` is as in `DownloadRow`; `state` says whether it is on its way or there.

    `needs_bytes` is about what it takes in memory.
    """

    path: str
    format: OfferFormat
    size_bytes: int
    needs_bytes: int
    quantization: str | None = None
    state: Literal["downloading", "downloaded"] | None = None


class RepoOffers(msgspec.Struct, frozen=True):
    """What a repo offers, the default choice first, and how much memory models may take: all of the machine's, of its
    container's, or the budget that is set.
    """

    repo: str
    offers: tuple[OfferRow, ...]
    memory_bytes: int
    memory_of: Literal["machine", "container", "budget"] = "machine"


class DownloadReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a download that is followed stands, or why it can be followed no more."""

    row: DownloadRow | None = None
    error: dict[str, Any] | None = None


class DownloadId(msgspec.Struct, frozen=True):
    job_id: str


class Admission(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom the HTTP server lets in. Pages of these `origins` may call it from a browser, “*” being all of them."""

    origins: tuple[str, ...] = ()
    require_auth: bool = False


class ServerStart(msgspec.Struct, frozen=True, omit_defaults=True):
    """None means: as the settings say, or as last time (port, origins, and whether tokens are asked for).

    The address is not remembered, as in LM Studio. That tokens are asked for is: leaving out a flag must not open a
    server.
    """

    port: int | None = None
    host: str | None = None
    origins: tuple[str, ...] | None = None
    require_auth: bool | None = None


class ServerStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """`port` is the last one used when the server is off, and None if there never was one."""

    running: bool
    port: int | None = None
    host: str | None = None
    admission: Admission = Admission()
    pid: int | None = None


class DaemonStatus(msgspec.Struct, frozen=True):
    pid: int
    version: str
    started_s: float
    home: str
    models_dir: str
    server: ServerStatus
