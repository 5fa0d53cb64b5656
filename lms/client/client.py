"""The daemon's own API, called over its unix socket. Safe to share between threads and greenlets."""

import fcntl
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import msgspec

import lms
from lms.catalog.offers import FoundRepo
from lms.client.control import (
    DaemonStatus,
    DownloadId,
    DownloadReport,
    DownloadRequest,
    DownloadRow,
    HubSearch,
    InstanceRow,
    Lease,
    LeaseKind,
    LeaseProgress,
    LeaseRequest,
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
from lms.client.leases import Leases
from lms.errors import DaemonFailed, DaemonUnreachable, LmsError, MethodNotAllowed, PathNotFound, from_wire
from lms.logbus.records import LogRecord
from lms.paths import Home
from lms.wire import BrokenFrame

CONNECT_TIMEOUT_S = 5.0
# Streams have a heartbeat of half a second; the slowest plain call is the start of the HTTP server.
READ_TIMEOUT_S = 60.0

# A lease may wait for a model to load, so connections are not counted.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=30)

SHUTDOWN_TIMEOUT_S = 30.0
_POLL_S = 0.02

T = TypeVar("T")


class _Hint(msgspec.Struct, frozen=True):
    """What is of interest in `Home.daemon_state`."""

    pid: int


class DaemonClient:
    """Every method raises DaemonUnreachable when nobody answers, and the LmsError that the daemon answered."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._version: str | None = None
        self._connected = False
        # Without verify=False the transport loads every root certificate, 20 ms for a socket that has no TLS.
        transport = httpx.HTTPTransport(uds=str(home.daemon_socket), verify=False, limits=_LIMITS)
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, pool=None)
        self._http = httpx.Client(transport=transport, base_url="http://daemon/internal", timeout=timeout)
        self._leases = Leases(home.lease_socket, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)

    def close(self) -> None:
        """Hang up. The client can be used no more."""
        self._http.close()
        self._leases.close()

    # The daemon

    def status(self) -> DaemonStatus:
        status = self._get("/status", DaemonStatus)
        self._version = status.version
        return status

    def skew(self) -> str | None:
        """A warning when the daemon runs another version of this program, else None."""
        if self._version is None:
            self.status()
        if self._version == lms.__version__:
            return None
        return f"The daemon is version {self._version}, this is {lms.__version__}. lms daemon down ends the old one."

    def shutdown(self) -> None:
        """End the daemon and all it runs; the next one starts with nothing loaded. Returns when it is gone, also if
        somebody has started another one meanwhile.

        Raises DaemonFailed when it does not go.
        """
        pid = self._hinted_pid()
        with self._reachable():
            # A connection kept alive would keep the daemon for two seconds longer.
            _decoded(self._http.post("/shutdown", headers={"Connection": "close"}), dict[str, Any])
        deadline_s = time.monotonic() + SHUTDOWN_TIMEOUT_S
        while is_locked(self._home.lock) and self._hinted_pid() in (pid, None):
            if time.monotonic() > deadline_s:
                raise DaemonFailed(f"The daemon did not end within {SHUTDOWN_TIMEOUT_S:.0f} s.")
            time.sleep(_POLL_S)

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
            raise _error(response)
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

    def lease(self, model: str, kind: LeaseKind, ttl_s: float | None = None) -> Lease:
        """The right to send one request to `model`, which is loaded first if need be. Blocks until it is ready."""
        with closing(self.wait_for_lease(LeaseRequest(model, kind, ttl_s))) as answers:
            return next(answer for answer in answers if isinstance(answer, Lease))

    def wait_for_lease(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        """None about twice a second while the model is loaded, and news if the request asks for them; then the lease.
        Closing it before ends the waiting.
        """
        try:
            yield from self._leases.wait(request)
        except OSError as error:
            raise _unreachable() from error
        except BrokenFrame as error:
            raise _of_another_build() from error

    def chat(self, body: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """The chunks of an answer to a streaming request of the REST API v0. `close()` before the end cancels it."""
        with self._stream("POST", "http://daemon/api/v0/chat/completions", body) as lines:
            for line in lines:
                if line.startswith("data: {"):
                    chunk = msgspec.json.decode(line.removeprefix("data: "), type=dict[str, Any])
                    if "error" in chunk:
                        raise from_wire(chunk["error"])
                    yield chunk

    def send(self, path: str, body: str) -> Generator[str, None, None]:
        """The lines of the reply to that request, in its dialect. Raises the error that the reply is, if it is one."""
        with self._stream("POST", f"http://daemon{path}", msgspec.Raw(body.encode())) as lines:
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

    # How

    def _hinted_pid(self) -> int | None:
        """The pid of the daemon that has started last, where it could write it down and has not ended."""
        try:
            return msgspec.json.decode(self._home.daemon_state.read_bytes(), type=_Hint).pid
        except (OSError, msgspec.DecodeError):
            return None

    def _get(self, path: str, kind: type[T]) -> T:
        with self._reachable():
            return _decoded(self._http.get(path), kind)

    def _post(self, path: str, payload: object, kind: type[T]) -> T:
        with self._reachable():
            return _decoded(self._http.post(path, content=msgspec.json.encode(payload)), kind)

    @contextmanager
    def _stream(self, method: str, path: str, payload: object) -> Iterator[Iterator[str]]:
        """The lines of a streamed answer. Blank ones only show that the daemon is there."""
        with self._reachable(), self._http.stream(method, path, content=msgspec.json.encode(payload)) as response:
            if response.status_code >= 400:
                response.read()
                raise _error(response)
            yield response.iter_lines()

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """Turns a transport's failure into ours. Looks for itself first whether anybody listens at all: httpcore 1.0
        leaves a socket that could not connect to the garbage collector.
        """
        try:
            if not self._connected:
                _knock(self._home.daemon_socket)
            yield
            self._connected = True
        except (OSError, httpx.TransportError) as error:
            self._connected = False
            raise _unreachable() from error
        except msgspec.DecodeError as error:
            raise _of_another_build() from error

    def _logs(self) -> Generator[LogRecord | None, None, None]:
        with self._stream("GET", "/logs", None) as lines:
            yield None
            with suppress(httpx.TransportError):  # a daemon that ends may cut off a reader that is behind
                for line in filter(None, lines):
                    yield msgspec.json.decode(line, type=LogRecord)


def _knock(path: Path) -> None:
    """Raises OSError when nobody listens there."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        probe.connect(str(path))


def is_locked(path: Path) -> bool:
    """Whether a daemon holds the lock. Taken for a moment to find out, shared, so that those who ask do not collide."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def _decoded(response: httpx.Response, kind: type[T]) -> T:
    if response.status_code >= 400:
        raise _error(response)
    return msgspec.json.decode(response.content, type=kind)


def _error(response: httpx.Response) -> LmsError:
    try:
        error = from_wire(msgspec.json.decode(response.content)["error"])
    except (msgspec.DecodeError, KeyError, TypeError):
        error = LmsError(f"The daemon answered with status {response.status_code} and no reason.")
    return _of_another_build() if isinstance(error, PathNotFound | MethodNotAllowed) else error


def _unreachable() -> DaemonUnreachable:
    return DaemonUnreachable("The daemon does not answer.", hint="lms daemon up starts it.")


def _of_another_build() -> DaemonFailed:
    """Its version may be the same: a tree that somebody works on, or an installation that was renewed under it."""
    return DaemonFailed(
        "The daemon is of another build of lms, and does not understand this one.",
        hint="lms daemon down ends it, and the next command starts the new one.",
    )
