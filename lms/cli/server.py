"""`lms server start | stop | status`: the HTTP server that clients call. Models stay loaded when it stops."""

import ipaddress
import json
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli import shapes
from lms.cli.command import command, group
from lms.cli.session import Session
from lms.cli.values import whole_number
from lms.errors import DaemonUnreachable, ServerNotRunning, UsageError
from lms.paths import Home

if TYPE_CHECKING:
    from lms.client.control import ServerStatus

app = group(
    "server",
    "The HTTP server that OpenAI and LM Studio clients talk to.",
    examples=[("lms server start --port 8080", "serve on port 8080"), ("lms server stop", "models stay loaded")],
)


def _port(typed: str) -> int:
    return whole_number("--port", typed, 0, 65535)


Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        "-p",
        parser=_port,
        metavar="PORT",
        help="Port; 0 takes a free one. Default: LMS_SERVER_PORT, else as set, else the last, else 1234.",
    ),
]
Bind = Annotated[
    str | None,
    typer.Option("--bind", metavar="ADDRESS", help="Address, or unix:/PATH. Default: LMS_SERVER_HOST, else 127.0.0.1."),
]
Cors = Annotated[bool, typer.Option("--cors", help="Let web pages of any origin call the server. Stays so.")]
CorsOrigin = Annotated[
    list[str] | None,
    typer.Option(
        "--cors-origin",
        metavar="ORIGIN",
        help="Let web pages of this origin call the server. Stays so. May be given again.",
    ),
]
NoCors = Annotated[bool, typer.Option("--no-cors", help="Let no web page call the server any more.")]
RequireAuth = Annotated[
    bool, typer.Option("--require-auth", help="Answer only who has an API token (lms token). Stays so.")
]
NoRequireAuth = Annotated[bool, typer.Option("--no-require-auth", help="Answer everybody again.")]


def register(root: typer.Typer, section: str) -> None:
    root.add_typer(app, rich_help_panel=section)


@command(
    app,
    "start",
    examples=[
        ("lms server start", "serve on 127.0.0.1, on the port used last"),
        ("lms server start -p 8080 --bind 0.0.0.0 --require-auth", "serve the network, to those with a token"),
    ],
)
def start(
    session: Session,
    port: Port = None,
    bind: Bind = None,
    cors: Cors = False,
    cors_origin: CorsOrigin = None,
    no_cors: NoCors = False,
    require_auth: RequireAuth = False,
    no_require_auth: NoRequireAuth = False,
) -> None:
    """Start the server. The port is remembered for the next time, whether it asks for tokens, and pages let in."""
    from lms.client.control import ServerStart

    if require_auth and no_require_auth:
        raise UsageError("Give --require-auth or --no-require-auth, not both.")
    host = bind or session.environ.get("LMS_SERVER_HOST") or None
    if port is None and not (host or "").startswith("unix:"):
        in_environment = session.environ.get("LMS_SERVER_PORT")
        port = whole_number("LMS_SERVER_PORT", in_environment, 0, 65535) if in_environment else None
    auth = require_auth if require_auth or no_require_auth else None
    wanted = ServerStart(port, host, _origins(cors, cors_origin, none=no_cors), auth)
    daemon = session.daemon()
    before = daemon.server_status()
    status = daemon.start_server(wanted)
    if before.running and _place(before) != _place(status):
        session.output.say(f"The server has moved from {_place(before)} to {_place(status)}.")
    _warn_of_exposure(session, status)
    if session.output.as_json:
        session.output.json(shapes.server(status))
    else:
        session.output.say(_running(status))


@command(app, "stop", examples=[("lms server stop", "requests in work end; models stay loaded")])
def stop(session: Session) -> None:
    """Stop the server. Loaded models stay loaded. Fails when it is not running."""
    try:
        status = session.running_daemon().stop_server()
    except DaemonUnreachable as error:
        raise ServerNotRunning("The server is not running.", hint="lms server start starts it.") from error
    if session.output.as_json:
        session.output.json(shapes.server(status))
    else:
        session.output.say("The server has stopped." if status.port is None else f"Stopped on port {status.port}.")


@command(app, "status", examples=[("lms server status --json", '{"running":true,"port":1234}')])
def status(session: Session) -> None:
    """Say whether the server runs. Never starts anything, and ends with 0 either way."""
    # On stdout, where LM Studio prints it on stderr: what was asked for is data, also with --quiet or in a pipe.
    found = find_status(session)
    if session.output.as_json:
        session.output.json(shapes.server(found))
    elif found.running:
        session.output.data(_running(found))
    else:
        session.output.data("The server is not running.")


def find_status(session: Session) -> "ServerStatus":
    """What the daemon says; with the daemon off, "off" and the port used last."""
    from lms.client.control import ServerStatus

    try:
        return session.running_daemon().server_status()
    except DaemonUnreachable:
        return ServerStatus(running=False, port=_last_port(session.home))


def _last_port(home: Home) -> int | None:
    try:
        stored = json.loads(home.server_state.read_bytes())
    except (OSError, ValueError):
        return None
    port = stored.get("port") if isinstance(stored, dict) else None
    return port if isinstance(port, int) else None


def _origins(cors: bool, listed: list[str] | None, *, none: bool) -> tuple[str, ...] | None:
    """Whose pages may call the server; None: as the settings say, or as before. Raises UsageError when one is no
    origin, or with `none` too.
    """
    from lms.config.origins import ANY, origin

    if none and (cors or listed):
        raise UsageError("--no-cors lets no page in: give it alone, or --cors or --cors-origin.")
    if not cors and not listed:
        return () if none else None
    try:
        return tuple(origin(typed) for typed in [*([ANY] if cors else []), *(listed or [])])
    except ValueError as error:
        raise UsageError(f"--cors-origin: {error}.") from error


def _warn_of_exposure(session: Session, status: "ServerStatus") -> None:
    if status.admission.require_auth:
        _warn_of_no_tokens(session)
        return
    if "*" in status.admission.origins:
        session.output.warn("CORS is on: every website that you visit can use this server.")
    if status.host and status.port is not None and not _is_loopback(status.host):
        session.output.warn(f"The server listens on {status.host}: others in the network can use it.")


def _warn_of_no_tokens(session: Session) -> None:
    from lms.config.tokens import TokenFile

    if not TokenFile(session.home.tokens).tokens():
        session.output.warn("There are no API tokens yet, so the server answers nobody: lms token create makes one.")


def _running(status: "ServerStatus") -> str:
    where = status.host if status.port is None else f"port {status.port}: {url(status)}"
    return f"The server is running on {where}" + (" (it asks for API tokens)" if status.admission.require_auth else "")


def _place(status: "ServerStatus") -> str:
    return f"{status.host}" if status.port is None else f"{status.host} port {status.port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(status: "ServerStatus") -> str:
    """Where a client on this machine finds the server: an address that means "all" is not one to connect to."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(status.host or "", status.host or "127.0.0.1")
    return f"http://{f'[{host}]' if ':' in host else host}:{status.port}"
