"""The one app that both the daemon (on its private socket) and the front (on TCP) serve."""

import re
import select
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from lms import errors
from lms.config.presets import Presets
from lms.config.tokens import TokenFile
from lms.history.history import History
from lms.logbus.records import LogData
from lms.pool.stream import ClientGone, Poll
from lms.server import auth, cors, greeting, remote
from lms.server.access import Access, request_id
from lms.server.anthropic.routes import blueprint as anthropic
from lms.server.dialects import dialect_at
from lms.server.endpoints import path_of
from lms.server.http import CLIENT_GONE_STATUS, Services, access, failure, unexpected
from lms.server.lmstudio_v0.routes import blueprint as lmstudio_v0
from lms.server.lmstudio_v1.routes import blueprint as lmstudio_v1
from lms.server.openai.responses.routes import blueprint as responses
from lms.server.openai.routes import blueprint as openai
from lms.server.operations.routes import blueprint as operations
from lms.server.reading.routes import blueprint as reading
from lms.server.services import Backend, Downloader, NoDownloads
from lms.server.tools.access import McpAccess

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SLASHES = re.compile("/{2,}")


def create_app(
    backend: Backend,
    history: History,
    *,
    internal: Blueprint | None = None,
    relay: remote.Relay | None = None,
    origins: tuple[str, ...] = (),
    tokens: TokenFile | None = None,
    log: Callable[[LogData], None],
    new_poll: Callable[[], Poll] = select.poll,
    metrics: Callable[[], bytes] = bytes,
    separate_reasoning: bool = True,
    lenient: bool = False,
    record: bool = False,
    mcp: McpAccess = McpAccess(),  # noqa: B008 - frozen
    downloads: Downloader = NoDownloads(),  # noqa: B008 - has no state
    presets: Presets = Presets(),  # noqa: B008 - has no state
) -> Flask:
    """An app that answers from `backend`, and keeps conversations in `history`.

    internal: the daemon's own API, which the front does not have
    relay: the front's way to it, for other machines
    origins: whose pages may call it from a browser
    tokens: one of these is asked for; None: nobody is asked
    new_poll: how its streams wait; a server on greenlets has its own
    metrics: what `/metrics` shows; by default there is nobody who measures
    separate_reasoning: chats tell reasoning from the answer, unless they say otherwise
    lenient: closed schemas are open, and take a TTL
    record: what is asked is logged as it came
    mcp: which MCP servers requests may use; by default none
    downloads: who gets models from the hub; by default nobody
    presets: those that requests may name; by default none
    """
    app = Flask("lms", static_folder=None)
    app.url_map.strict_slashes = False
    Services(
        backend, history, log, new_poll, metrics, separate_reasoning, lenient, mcp, downloads, record, presets
    ).attach(app)
    _log_requests(app, log)
    _answer_errors(app, log)
    if origins:
        cors.attach(app, origins)
    if tokens:
        auth.attach(app, tokens)
    own = remote.blueprint(relay, asks_for_tokens=tokens is not None) if relay else internal
    for blueprint in filter(
        None, (openai, responses, lmstudio_v0, lmstudio_v1, anthropic, reading, greeting.blueprint, operations, own)
    ):
        app.register_blueprint(blueprint)
    app.wsgi_app = _SingleSlashes(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _log_requests(app: Flask, log: Callable[[LogData], None]) -> None:
    @app.before_request
    def begin() -> None:
        endpoint = path_of(request.url_rule.rule) if request.url_rule else None
        g.access = Access(request.method, request.path, log, request_id(request.headers.get("X-Request-Id")), endpoint)

    @app.after_request
    def end(response: Response) -> Response:
        access().status = response.status_code
        response.headers["X-Request-Id"] = response.headers[dialect_at(request.path).id_header] = access().id
        response.call_on_close(access().close)
        return response


def _answer_errors(app: Flask, log: Callable[[LogData], None]) -> None:
    """Every failure becomes an error object, in whatever dialect: no HTML, and no silence."""

    @app.errorhandler(errors.LmsError)
    def known(error: errors.LmsError) -> Response:
        return failure(error)

    @app.errorhandler(HTTPException)
    def of_http(error: HTTPException) -> Response:
        return _http_failure(error)

    @app.errorhandler(ClientGone)
    def gone(error: ClientGone) -> Response:
        access().problem = "the client left"
        return Response(status=CLIENT_GONE_STATUS)

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Response:
        return failure(unexpected(error, access(), log))


def _http_failure(error: HTTPException) -> Response:
    """Routing found no endpoint for the request, or could not read its head."""
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        response = failure(
            errors.MethodNotAllowed(f"{request.path} does not take {request.method}.", hint=f"It takes {allowed}.")
        )
        response.headers["Allow"] = allowed
        return response
    if error.code == 404:
        return failure(errors.PathNotFound(f"There is no endpoint {request.method} {request.path}."))
    return failure(errors.InvalidRequest(f"The request could not be read: {error.description}"))


class _SingleSlashes:
    """Takes `//v1/models`, which clients make by joining addresses, for `/v1/models`."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["PATH_INFO"] = _SLASHES.sub("/", environ.get("PATH_INFO", ""))
        return self._app(environ, start_response)
