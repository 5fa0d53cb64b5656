"""The routes under /internal. Payloads are those of `client/control.py`, errors `{"error": to_wire(error)}`."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, request

from lms.client.control import Lease, LeaseAnswer, LeaseRequest, LoadRequest, Resolve, ServerStart, Unload
from lms.errors import InvalidRequest, LmsError, QueueFull, to_wire
from lms.logbus.bus import LogBus
from lms.pool.pool import Pool
from lms.server import errors
from lms.server.internal import lines
from lms.server.internal.controls import Controls

T = TypeVar("T")

# How long a lease may take to be called a quick one.
AT_ONCE_S = 0.1
# Each lease that waits for its model takes a thread of the daemon. An engine lets as many requests wait by default.
WAITING_LEASES = 512


def blueprint(pool: Pool, controls: Controls, bus: LogBus, waiting_leases: int = WAITING_LEASES) -> Blueprint:
    """The API of one daemon, which needs some more threads than there may be `waiting_leases`."""
    api = Blueprint("internal", __name__, url_prefix="/internal")
    api.register_error_handler(LmsError, _failure)
    _add_models(api, pool)
    _add_lease(api, pool, threading.Semaphore(waiting_leases))
    _add_streams(api, pool, controls, bus)
    _add_controls(api, controls)
    return api


def _add_controls(api: Blueprint, controls: Controls) -> None:
    api.get("/status")(_answering("status", controls.status))
    api.get("/server")(_answering("server_status", controls.server_status))
    api.post("/server/stop")(_answering("stop_server", controls.stop_server))

    @api.post("/server/start")
    def start_server() -> Response:
        return _reply(controls.start_server(_payload(ServerStart)))

    @api.get("/metrics")
    def metrics() -> Response:
        return Response(controls.metrics(), mimetype="text/plain")

    api.post("/mcp")(_answering("mcp", controls.mcp_socket))

    @api.post("/shutdown")
    def shutdown() -> Response:
        controls.shutdown()
        return _reply({})


def _add_models(api: Blueprint, pool: Pool) -> None:
    api.get("/models")(_answering("models", pool.models))
    api.get("/instances")(_answering("instances", pool.instances))
    api.get("/jit")(_answering("jit", pool.jit))

    @api.post("/resolve")
    def resolve() -> Response:
        asked = _payload(Resolve)
        return _reply(pool.resolve(asked.typed, asked.fuzzy))

    @api.post("/estimate")
    def estimate() -> Response:
        return _reply(pool.estimate(_payload(LoadRequest)))

    @api.post("/unload")
    def unload() -> Response:
        return _reply(pool.unload(_payload(Unload).identifier))


def _add_lease(api: Blueprint, pool: Pool, places: threading.Semaphore) -> None:
    @api.post("/lease")
    def lease() -> Response:
        """A loaded model is answered in one piece, one that must be loaded as a stream."""
        with ExitStack() as stack:
            waiting = stack.enter_context(pool.leasing(_payload(LeaseRequest)))
            first = None
            with suppress(TimeoutError):
                first = waiting.take(AT_ONCE_S)
            if isinstance(first, Lease):
                return _reply(LeaseAnswer(lease=first))
            if not places.acquire(blocking=False):
                raise QueueFull("As many requests as may do so wait for a model to load.", hint="Try again later.")
            stack.callback(places.release)
            return _lines(lines.lease(waiting, first), stack)


def _add_streams(api: Blueprint, pool: Pool, controls: Controls, bus: LogBus) -> None:
    @api.post("/load")
    def load() -> Response:
        with ExitStack() as stack:
            waiting = stack.enter_context(pool.loading(_payload(LoadRequest)))
            return _lines(lines.load(waiting), stack)

    @api.get("/logs")
    def logs() -> Response:
        with ExitStack() as stack:
            subscription = stack.enter_context(bus.subscribe())
            return _lines(lines.logs(subscription, controls), stack)


def _answering(name: str, ask: Callable[[], object]) -> Callable[[], Response]:
    def view() -> Response:
        return _reply(ask())

    view.__name__ = name
    return view


def _payload(kind: type[T]) -> T:
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The daemon does not understand this request: {error}.") from error


def _reply(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def _lines(answer: Iterator[bytes], stack: ExitStack) -> Response:
    """A streamed answer. What `stack` holds is let go when it ends, also if the client left before it began."""
    response = Response(answer, mimetype="application/x-ndjson", headers={"Connection": "close"})
    response.call_on_close(stack.pop_all().close)
    return response


def _failure(error: LmsError) -> Response:
    return _reply({"error": to_wire(error)}, errors.status(error))
