"""What every dialect's routes use of Flask: the request's body and exchange in, JSON or an event stream out."""

import select
import traceback
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from flask import Response, current_app, g, request

from lms.config.presets import Presets
from lms.errors import LmsError, ModelUnloaded, Unauthorized
from lms.history.history import History
from lms.history.share import Share
from lms.logbus.records import LogData, RecordedRequest, ServerLog
from lms.mcp.connection import McpConnection
from lms.pool.stream import ClientGone, Poll
from lms.server import auth, body, errors, sse
from lms.server.access import Access
from lms.server.dialects import dialect_at
from lms.server.exchange import Exchange
from lms.server.services import Backend, Downloader, NoDownloads
from lms.server.tools import toolbox
from lms.server.tools.access import McpAccess, WantedServer
from lms.server.tools.toolbox import Toolbox

_EXTENSION = "lms"
# The status that nginx gives a request whose client left: nobody reads it but the log.
CLIENT_GONE_STATUS = 499

_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class Services:
    """What an app was created with."""

    backend: Backend
    history: History
    log: Callable[[LogData], None]
    new_poll: Callable[[], Poll] = select.poll
    metrics: Callable[[], bytes] = bytes
    separate_reasoning: bool = True
    lenient: bool = False
    mcp: McpAccess = field(default_factory=McpAccess)
    downloads: Downloader = field(default_factory=NoDownloads)
    record: bool = False
    presets: Presets = field(default_factory=Presets)

    def attach(self, app: Any) -> None:
        app.extensions[_EXTENSION] = self


def services() -> Services:
    """The services of the app that runs this request."""
    found: Services = current_app.extensions[_EXTENSION]
    return found


def access() -> Access:
    """This request's line in the log."""
    line: Access = g.access
    return line


def exchange() -> Exchange:
    """This request's way to the engines. The socket is gunicorn's; other servers have none to watch."""
    ours = services()
    return Exchange(ours.backend, request.environ.get("gunicorn.socket"), ours.new_poll)


def history() -> Share:
    """What this request may see of the stored responses: those of its API token, or all of them where the server asks
    for none or the token is an administrator's.
    """
    token = auth.sent_token()
    return Share(services().history, token.id if token else None, token is None or "admin" in token.permissions)


def open_toolbox(
    way: Exchange, wanted: Sequence[WantedServer], taken: Collection[str] = (), required: bool = False
) -> Toolbox:
    """The tools of the MCP servers that this request wants; `taken` are names of other functions. One tool at least is
    `required`.

    Raises PermissionDenied, and as `toolbox.opened` does; ClientGone when nobody waits for it any more.
    """
    if not wanted:
        return Toolbox()
    mcp = services().mcp
    for server in wanted:
        mcp.permit(server, auth.sent_token())
    waiting = way.attended(toolbox.opened(McpConnection(mcp.host), wanted, taken, required))
    while True:
        try:
            next(waiting)
        except StopIteration as end:
            opened: Toolbox = end.value
            return opened


def raw_body() -> bytes:
    """The request's body. Raises as `body.read` does."""
    content = body.read(request.stream, request.content_length)
    if services().record:
        services().log(RecordedRequest(access().id, request.path, content.decode(errors="replace")))
    return content


def reply(value: object, status: int = 200) -> Response:
    """`value` as JSON."""
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def failure(error: LmsError) -> Response:
    """The reply to a request that failed before it began to stream, in the dialect of its path."""
    access().problem = str(error)
    dialect = dialect_at(request.path)
    response = reply(dialect.error_body(error), dialect.status(error))
    if (retry_after_s := errors.RETRY_AFTER_S.get(type(error))) is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, ModelUnloaded):
        # OpenAI's SDKs repeat a 503 of their own accord, which would load the model that somebody has just unloaded.
        response.headers["X-Should-Retry"] = "false"
    return response


def stream_reply(
    batches: Generator[tuple[sse.Chunk, ...], None, None], told: Callable[[LmsError], sse.Chunk] | None = None
) -> Response:
    """An event stream in the dialect of the request's path.

    Closing the reply closes `batches`, whether or not it began to be sent. What fails before the first batch is raised
    here, so that it gets a status of its own. `told` says what the stream says of a later failure, where that depends
    on what it has said before.
    """
    frames = sse.frames(sse.begun(batches), failure_in_stream(told), dialect_at(request.path).framing)
    response = Response(frames, mimetype="text/event-stream", headers=_STREAM_HEADERS)
    response.call_on_close(batches.close)
    return response


def failure_in_stream(
    told: Callable[[LmsError], sse.Chunk] | None = None,
) -> Callable[[BaseException], sse.Chunk | None]:
    """Notes what broke a stream off, and says it as `told` or the dialect has it; None: nobody is left to hear it.

    Bound to its request, because the stream runs after the request's context is gone.
    """
    dialect, line, log = dialect_at(request.path), access(), services().log

    def on_failure(error: BaseException) -> sse.Chunk | None:
        if isinstance(error, ClientGone | GeneratorExit):
            line.problem, line.status = "the client left", CLIENT_GONE_STATUS
            return None
        known = error if isinstance(error, LmsError) else unexpected(error, line, log)
        line.problem, line.status = str(known), dialect.status(known)
        return (told or dialect.told_in_stream)(known)

    return on_failure


def unexpected(error: BaseException, line: Access, log: Callable[[LogData], None]) -> LmsError:
    """A fault of our own as an error for the client, its traceback for the log."""
    trace = "".join(traceback.format_exception(error))
    log(ServerLog(f"{line.method} {line.path} failed unexpectedly:\n{trace}", "error"))
    return LmsError("The server failed in a way it did not expect.", hint="lms log stream --source server shows it.")
