"""What crosses the borders of an engine process: frames of `lms.wire` holding these messages.

Two conversations:

    daemon ─▶ engine   stdin: one `EngineSpec`, then silence. End of file means: stop.
    engine ─▶ daemon   stdout: `Loading`*, then `Ready` or `LoadFailed`; then `Activity` and `Logged` as they come.

    client ─▶ engine   its unix socket, one connection a request: one `Call`, then silence. Hanging up cancels.
    engine ─▶ client   `Events`*, the last of which ends with one of `lms.generation.events.LAST`.
"""

from typing import Any, Literal

import msgspec

from lms.config.load import LoadConfig
from lms.generation.events import Event
from lms.generation.request import DraftModel, Request, Sampling
from lms.logbus.records import LogRecord

EngineKind = Literal["llama", "fake"]
EngineState = Literal["idle", "processingPrompt", "generating", "computingEmbedding"]


class EngineSpec(msgspec.Struct, frozen=True):
    """What to load and where to listen.

    model_path: the first file of a GGUF model; layers: how many it has, for `config.gpu_ratio`
    projector_path: the file that makes it see, empty without one
    cells: tokens of memory that all sequences share; 0 means as many as one context
    prompt_cache_bytes: memory for finished prompts beyond that, as the memory plan counted it
    prompt_cache_folder: where models keep those that have no room there either, as far as the load config lets them
    draft_model: what guesses for every request that names no other; loaded with the model
    arch: the name of the model's architecture, for `config.num_experts`
    queue_limit: requests that may wait beyond those in work
    """

    engine: EngineKind
    model_path: str
    model_key: str
    identifier: str
    socket_path: str
    config: LoadConfig
    embedding: bool = False
    layers: int = 0
    cells: int = 0
    prompt_cache_bytes: int = 0
    prompt_cache_folder: str = ""
    draft_model: DraftModel | None = None
    arch: str = ""
    queue_limit: int = 512
    projector_path: str = ""


class Runtime(msgspec.Struct, frozen=True):
    """The library that runs the model, as `runtime` in the REST API v0 shows it."""

    name: str
    version: str
    supported_formats: tuple[str, ...]


class Device(msgspec.Struct, frozen=True):
    """A GPU. `library` is what reaches it, as ggml names that: `CUDA`, `MTL`, `Vulkan`."""

    name: str
    library: str
    integrated: bool
    total_bytes: int
    free_bytes: int


class Survey(msgspec.Struct, frozen=True):
    """The machine as the engine's library sees it: what `python -m lms.engine.survey` prints, as JSON.

    features: the processor's instructions that the library was built for, and uses
    """

    processor: str
    features: tuple[str, ...]
    devices: tuple[Device, ...]
    memory_bytes: int
    available_bytes: int


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """Progress of the load, 0 to 1."""

    progress: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The socket answers and a first token has been computed. The figures are those in force, not those asked for.

    sampling: what the model's maker recommends
    """

    context_length: int
    parallel: int
    runtime: Runtime
    memory_bytes: int
    load_time_s: float
    warnings: tuple[str, ...] = ()
    sampling: Sampling = Sampling()


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    error: dict[str, Any]


class Activity(msgspec.Struct, frozen=True, tag="activity"):
    """Sent whenever it changes. `served` counts the requests that came, refused ones too."""

    state: EngineState
    running: int
    queued: int
    served: int


class Logged(msgspec.Struct, frozen=True, tag="logged"):
    record: LogRecord


Report = Loading | Ready | LoadFailed | Activity | Logged


class Call(msgspec.Struct, frozen=True, tag="call"):
    """One request. Without `stream` all events come in one frame at the end."""

    request: Request
    stream: bool = True


class Events(msgspec.Struct, frozen=True, tag="events"):
    """What happened since the last frame, in order. A request that streams gets one frame a step."""

    events: tuple[Event, ...]
