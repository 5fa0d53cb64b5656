"""The routes under /internal. Payloads are those of `client/control.py`, errors `{"error": to_wire(error)}`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, request

from lms.client.control import LoadRequest, Resolve, ServerStart, Unload
from lms.errors import InvalidRequest, LmsError, to_wire
from lms.logbus.bus import LogBus
from lms.pool.pool import Pool
from lms.server import errors
from lms.server.internal import lines
from lms.server.internal.controls import Controls

T = TypeVar("T")


def blueprint(pool: Pool, controls: Controls, bus: LogBus) -> Blueprint:
    """The API of one daemon."""
    api = Blueprint("internal", __name__, url_prefix="/internal")
    api.register_error_handler(LmsError, _failure)
    _add_models(api, pool)
    _add_streams(api, pool, controls, bus)
    _add_controls(api, controls)
    return api


def _add_controls(api: Blueprint, controls: Controls) -> None:
    api.get("/status")(answering("status", controls.status))
    api.get("/server")(answering("server_status", controls.server_status))
    api.post("/server/stop")(answering("stop_server", controls.stop_server))

    @api.post("/server/start")
    def start_server() -> Response:
        return reply(controls.start_server(payload(ServerStart)))

    @api.get("/metrics")
    def metrics() -> Response:
        return Response(controls.metrics(), mimetype="text/plain")

    api.get("/paces")(answering("paces", controls.paces))

    @api.post("/mcp")
    def mcp() -> Response:
        return reply(controls.mcp_socket(payload(bool)))

    @api.post("/shutdown")
    def shutdown() -> Response:
        controls.shutdown()
        return reply({})


def _add_models(api: Blueprint, pool: Pool) -> None:
    api.get("/models")(answering("models", pool.models))
    api.get("/instances")(answering("instances", pool.instances))
    api.get("/jit")(answering("jit", pool.jit))

    @api.post("/resolve")
    def resolve() -> Response:
        asked = payload(Resolve)
        return reply(pool.resolve(asked.typed, asked.fuzzy))

    @api.post("/estimate")
    def estimate() -> Response:
        return reply(pool.estimate(payload(LoadRequest)))

    @api.post("/unload")
    def unload() -> Response:
        return reply(pool.unload(payload(Unload).identifier))


def _add_streams(api: Blueprint, pool: Pool, controls: Controls, bus: LogBus) -> None:
    @api.post("/load")
    def load() -> Response:
        with ExitStack() as stack:
            waiting = stack.enter_context(pool.loading(payload(LoadRequest)))
            return streamed(lines.load(waiting), stack)

    @api.get("/logs")
    def logs() -> Response:
        with ExitStack() as stack:
            subscription = stack.enter_context(bus.subscribe())
            return streamed(lines.logs(subscription, controls), stack)


def answering(name: str, ask: Callable[[], object]) -> Callable[[], Response]:
    def view() -> Response:
        return reply(ask())

    view.__name__ = name
    return view


def payload(kind: type[T]) -> T:
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The daemon does not understand this request: {error}.") from error


def reply(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def streamed(answer: Iterator[bytes], stack: ExitStack) -> Response:
    """A streamed answer. What `stack` holds is let go when it ends, also if the client left before it began."""
    response = Response(answer, mimetype="application/x-ndjson", headers={"Connection": "close"})
    response.call_on_close(stack.pop_all().close)
    return response


def _failure(error: LmsError) -> Response:
    return reply({"error": to_wire(error)}, errors.status(error))
