"""`lms launch`: start a coding agent that uses this server, or print how."""

import os
import shlex
import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli import server
from lms.cli.agents import AGENTS, NO_TOKEN, Launch, Service
from lms.cli.chat_model import loaded
from lms.cli.command import command
from lms.cli.remote import token as token_in
from lms.cli.session import Daemon, Session
from lms.cli.values import MOST_INT32, one_of, whole_number
from lms.errors import Unauthorized, Unsupported

if TYPE_CHECKING:
    from lms.client.control import ServerStatus

DEFAULT_TTL_S = 3600


def _agent(typed: str) -> str:
    return one_of("The tool", typed, tuple(AGENTS))


def _ttl(typed: str) -> int:
    return whole_number("--ttl", typed, 1, MOST_INT32)


Tool = Annotated[str, typer.Argument(metavar="|".join(AGENTS), parser=_agent, help="Which one.")]
More = Annotated[list[str] | None, typer.Argument(metavar="-- …", help="What the tool gets behind our own words.")]
Model = Annotated[
    str | None, typer.Option("--model", "-m", metavar="MODEL", help="Its model. Default: the loaded one used last.")
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="API token, if the server asks for one. Or in the environment: LM_API_TOKEN, LMSTUDIO_API_TOKEN.",
    ),
]
Ttl = Annotated[
    int | None,
    typer.Option("--ttl", parser=_ttl, metavar="SECONDS", help="Unload the model when idle this long. Default: 3600."),
]
Print = Annotated[bool, typer.Option("--print", help="Print the environment and the command, for a shell.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: of several matches take the first.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms launch claude -m qwen3-4b", "Claude Code with a local model"),
        ("lms launch codex -- exec 'Explain this repository.'", "words behind -- are for the tool"),
        ('eval "$(lms launch aider --print)"', "the same from a shell"),
    ]
    command(root, "launch", section=section, examples=examples)(launch)


def launch(
    session: Session,
    tool: Tool,
    more: More = None,
    model: Model = None,
    token: Token = None,
    ttl: Ttl = None,
    print_: Print = False,
    yes: Yes = False,
) -> None:
    """Start a coding agent that uses this server. The server is started if it does not run, as is the model."""
    agent = AGENTS[tool]
    if not (print_ or session.output.as_json) and shutil.which(tool, path=session.environ.get("PATH")) is None:
        raise Unsupported(f"{tool} is not installed.", hint=f"Its own way to install it: {agent.install}")
    daemon = session.daemon()
    status = _serving(session, daemon)
    key = _token(session, status, token)
    row = loaded(session, daemon, model, ttl or DEFAULT_TTL_S, yes=yes, ask=True)
    if row.context_length < agent.least_context:
        session.output.warn(
            f"“{row.identifier}” has a context of {row.context_length:,} tokens; {tool} wants {agent.least_context:,} "
            "or more: lms load -c sets it."
        )
    wanted = agent.launch(Service(server.url(status), row.identifier, key))
    _perform(session, Launch((*wanted.command, *(more or ())), wanted.environment), print_)


def _serving(session: Session, daemon: Daemon) -> "ServerStatus":
    """The HTTP server, which is on. Raises Unsupported where it listens on no port."""
    from lms.client.control import ServerStart

    status = daemon.server_status()
    if not status.running:
        status = daemon.start_server(ServerStart())
        session.output.say(f"The server is running: {server.url(status)}")
    if status.port is None:
        raise Unsupported(
            f"The server listens on {status.host}, where these tools cannot connect.", hint="lms server start -p 1234"
        )
    return status


def _token(session: Session, status: "ServerStatus", given: str | None) -> str:
    token = given or token_in(session.environ)
    if token is None and status.admission.require_auth:
        raise Unauthorized(
            "The server asks for an API token.", hint="Give it with --token; lms token create makes one."
        )
    return token or NO_TOKEN


def _perform(session: Session, wanted: Launch, print_: bool) -> None:
    if session.output.as_json:
        session.output.json({"command": list(wanted.command), "environment": dict(wanted.environment)})
    elif print_:
        for name, value in wanted.environment.items():
            session.output.data(f"export {name}={shlex.quote(value)}")
        session.output.data(shlex.join(wanted.command))
    else:
        session.output.close()
        os.execvpe(wanted.command[0], wanted.command, {**session.environ, **wanted.environment})
