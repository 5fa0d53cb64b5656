"""What is asked of a daemon over HTTP, whatever the way to it. Safe to share between threads and greenlets."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import httpx
import msgspec

from lms.catalog.offers import FoundRepo
from lms.client.control import (
    DaemonStatus,
    DownloadId,
    DownloadReport,
    DownloadRequest,
    DownloadRow,
    HubSearch,
    InstanceRow,
    LoadDone,
    LoadError,
    LoadProgress,
    LoadReport,
    LoadRequest,
    MemoryEstimate,
    ModelRow,
    Pace,
    RepoOffers,
    Resolve,
    ServerStart,
    ServerStatus,
    Unload,
)
from lms.errors import LmsError, MethodNotAllowed, PathNotFound, from_wire
from lms.logbus.records import LogRecord

CONNECT_TIMEOUT_S = 5.0
# Streams have a heartbeat of half a second; the slowest plain call is the start of the HTTP server.
READ_TIMEOUT_S = 60.0
TIMEOUT = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, pool=None)

# A lease may wait for a model to load, so connections are not counted.
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=30)

T = TypeVar("T")


@dataclass(frozen=True)
class Relayed:
    """An answer that is handed on as it comes. `close` hangs up, and has to be called."""

    status: int
    media_type: str
    pieces: Iterator[bytes]
    close: Callable[[], None]


class DaemonCalls(ABC):
    """Every method raises what the way there has against it, and the LmsError that the daemon answered.

    `http` has the daemon's own API as its base, which is below `root`.
    """

    def __init__(self, http: httpx.Client, root: str) -> None:
        self._http = http
        self._root = root
        self._version: str | None = None
        self._connected = False

    def close(self) -> None:
        """Hang up. The client can be used no more."""
        self._http.close()

    # The daemon

    def status(self) -> DaemonStatus:
        status = self._get("/status", DaemonStatus)
        self._version = status.version
        return status

    def logs(self) -> Generator[LogRecord, None, None]:
        """Events from now on, which is the moment of this call. Ends when the daemon does; `close()` ends it before."""
        records = self._logs()
        next(records)
        return cast(Generator[LogRecord, None, None], records)

    # The HTTP server

    def server_status(self) -> ServerStatus:
        return self._get("/server", ServerStatus)

    def start_server(self, wanted: ServerStart) -> ServerStatus:
        """Raises PortTaken, or DaemonFailed when the server does not come up."""
        return self._post("/server/start", wanted, ServerStatus)

    def stop_server(self) -> ServerStatus:
        """Raises ServerNotRunning."""
        return self._post("/server/stop", None, ServerStatus)

    def mcp_socket(self, lost: bool = False) -> str:
        """Where the process listens that talks to MCP servers, which is started if it does not run. `lost`: it has not
        answered there, so that it may be about to end.

        Raises DaemonFailed.
        """
        return self._post("/mcp", lost, str)

    def metrics(self) -> bytes:
        """Figures in Prometheus' text format."""
        with self._reachable():
            response = self._http.get("/metrics")
        if response.status_code >= 400:
            raise self._error(response)
        return response.content

    # Models

    def models(self) -> list[ModelRow]:
        """Every model on disk, sorted by key."""
        return self._get("/models", list[ModelRow])

    def instances(self) -> list[InstanceRow]:
        """Every loaded or loading model."""
        return self._get("/instances", list[InstanceRow])

    def paces(self) -> list[Pace]:
        """How each model fares that has answered anything."""
        return self._get("/paces", list[Pace])

    def jit(self) -> bool:
        """Whether a request may load a model."""
        return self._get("/jit", bool)

    def resolve(self, typed: str, fuzzy: bool = False) -> ModelRow:
        """Raises ModelNotFound or AmbiguousModel."""
        return self._post("/resolve", Resolve(typed, fuzzy), ModelRow)

    def estimate(self, request: LoadRequest) -> MemoryEstimate:
        """What that load would take."""
        return self._post("/estimate", request, MemoryEstimate)

    def load(self, request: LoadRequest) -> Generator[LoadProgress | LoadDone, None, None]:
        """Progress, then `LoadDone`. `close()` before that cancels the load."""
        with self._stream("POST", "/load", request) as lines:
            for line in filter(None, lines):
                report: LoadProgress | LoadDone | LoadError = msgspec.json.decode(line, type=LoadReport)
                if isinstance(report, LoadError):
                    raise from_wire(report.error)
                yield report

    def unload(self, identifier: str) -> InstanceRow:
        """Raises ModelNotFound when no instance has exactly that identifier. Returns when its memory is free."""
        return self._post("/unload", Unload(identifier), InstanceRow)

    def chat(self, body: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """The chunks of an answer to a streaming request of the REST API v0. `close()` before the end cancels it."""
        with self._stream("POST", f"{self._root}/api/v0/chat/completions", body) as lines:
            for line in lines:
                if line.startswith("data: {"):
                    chunk = msgspec.json.decode(line.removeprefix("data: "), type=dict[str, Any])
                    if "error" in chunk:
                        raise from_wire(chunk["error"])
                    yield chunk

    def send(self, path: str, body: str) -> Generator[str, None, None]:
        """The lines of the reply to that request, in its dialect. Raises the error that the reply is, if it is one."""
        with self._stream("POST", f"{self._root}{path}", msgspec.Raw(body.encode())) as lines:
            yield from lines

    # Downloads

    def search(self, search: HubSearch) -> list[FoundRepo]:
        """Repos on the hub, the most downloaded first."""
        return self._post("/hub/search", search, list[FoundRepo])

    def look_up(self, request: DownloadRequest) -> RepoOffers:
        """What the repo that is asked for has to offer."""
        return self._post("/hub/offers", request, RepoOffers)

    def start_download(self, request: DownloadRequest) -> DownloadRow:
        """Begin a download, or join it. Raises NotEnoughDisk, and what the hub has against it."""
        return self._post("/downloads", request, DownloadRow)

    def download(self, job_id: str) -> DownloadRow:
        """How it stands. Raises DownloadNotFound, as the next three do."""
        return self._post("/downloads/status", DownloadId(job_id), DownloadRow)

    def follow_download(self, job_id: str) -> Generator[DownloadRow, None, None]:
        """How it stands, about twice a second; the last row is one that is not downloading."""
        with self._stream("POST", "/downloads/follow", DownloadId(job_id)) as lines:
            for line in filter(None, lines):
                report = msgspec.json.decode(line, type=DownloadReport)
                if report.row is None:
                    raise from_wire(report.error or {})
                yield report.row

    def pause_download(self, job_id: str) -> DownloadRow:
        """Stop it; to start it again goes on from there."""
        return self._post("/downloads/pause", DownloadId(job_id), DownloadRow)

    def cancel_download(self, job_id: str) -> DownloadRow:
        """Stop it, and delete what has come. The row says how it stood."""
        return self._post("/downloads/cancel", DownloadId(job_id), DownloadRow)

    def downloads(self) -> list[DownloadRow]:
        """The downloads of the last days, the last begun first."""
        return self._get("/downloads", list[DownloadRow])

    # For others

    def relay(self, method: str, path: str, body: bytes) -> Relayed:
        """What the daemon answers to that, a refusal included. `path` is a whole one: `/internal/status`."""
        with self._reachable():
            request = self._http.build_request(method, f"{self._root}{path}", content=body)
            response = self._http.send(request, stream=True)
        media_type = response.headers.get("Content-Type", "application/json")
        return Relayed(response.status_code, media_type, self._pieces(response), response.close)

    # How

    @abstractmethod
    def _knock(self) -> None:
        """Find out whether anybody is there before the first call. Raises OSError or httpx.TransportError if not, and
        an LmsError if it is somebody else.
        """

    @abstractmethod
    def _unreachable(self, error: Exception) -> LmsError:
        """What to raise when nobody answers, or no more."""

    @abstractmethod
    def _of_another_build(self) -> LmsError:
        """What to raise when the other side does not understand us, or we do not understand it."""

    def _get(self, path: str, kind: type[T]) -> T:
        with self._reachable():
            return self._decoded(self._http.get(path), kind)

    def _post(self, path: str, payload: object, kind: type[T]) -> T:
        with self._reachable():
            return self._decoded(self._http.post(path, content=msgspec.json.encode(payload)), kind)

    @contextmanager
    def _stream(self, method: str, path: str, payload: object) -> Iterator[Iterator[str]]:
        """The lines of a streamed answer. Blank ones only show that the daemon is there."""
        with self._reachable(), self._http.stream(method, path, content=msgspec.json.encode(payload)) as response:
            if response.status_code >= 400:
                response.read()
                raise self._error(response)
            yield response.iter_lines()

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """Turns a transport's failure into ours."""
        try:
            if not self._connected:
                self._knock()
            yield
            self._connected = True
        except (OSError, httpx.TransportError) as error:
            self._connected = False
            raise self._unreachable(error) from error
        except msgspec.DecodeError as error:
            raise self._of_another_build() from error

    def _logs(self) -> Generator[LogRecord | None, None, None]:
        with self._stream("GET", "/logs", None) as lines:
            yield None
            with suppress(httpx.TransportError):  # a daemon that ends may cut off a reader that is behind
                for line in filter(None, lines):
                    yield msgspec.json.decode(line, type=LogRecord)

    def _pieces(self, response: httpx.Response) -> Iterator[bytes]:
        with self._reachable():
            yield from response.iter_raw()

    def _decoded(self, response: httpx.Response, kind: type[T]) -> T:
        if response.status_code >= 400:
            raise self._error(response)
        return msgspec.json.decode(response.content, type=kind)

    def _error(self, response: httpx.Response) -> LmsError:
        try:
            error = from_wire(msgspec.json.decode(response.content)["error"])
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            error = LmsError(f"The daemon answered with status {response.status_code} and no reason.")
        return self._of_another_build() if isinstance(error, PathNotFound | MethodNotAllowed) else error
