"""`lms token create | list | revoke`: who may use the server where it asks for API tokens.

Tokens are in the home, not in the daemon: these commands work with it on or off, and a server that runs heeds them.
"""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli import shapes
from lms.cli.command import command, group
from lms.cli.output import Cell, Table
from lms.cli.session import Session
from lms.cli.values import MOST_INT32, one_of, whole_number

if TYPE_CHECKING:
    from lms.config.tokens import Permission, Token

HEADERS = ("ID", "NAME", "PERMISSIONS", "CREATED", "EXPIRES")
DAY_S = 24 * 3600

app = group(
    "token",
    "Tokens for clients of a server that asks for them. It does so after lms server start --require-auth.",
    examples=[
        ("lms token create --name laptop", "a token that may ask models"),
        ("lms token revoke k3J9xQ2a", "it counts no more, at once"),
    ],
)


def _days(typed: str) -> int:
    return whole_number("--expires", typed, 1, MOST_INT32)


Name = Annotated[str, typer.Option("--name", metavar="NAME", help="What it is for, as lms token list shows it.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="inference|models|admin|mcp|all",
        help="What it may do: ask models; load, unload and download them; see figures and everybody's stored "
        "responses, and use the command line from another machine (admin); use MCP servers. May be given again. "
        "Default: inference.",
    ),
]
Expires = Annotated[
    int | None, typer.Option("--expires", parser=_days, metavar="DAYS", help="After so many days. Default: never.")
]
TokenId = Annotated[str, typer.Argument(metavar="token-id", help="As lms token list shows it.")]


def register(root: typer.Typer, section: str) -> None:
    root.add_typer(app, rich_help_panel=section)


@command(
    app,
    "create",
    examples=[
        ("lms token create --name laptop", "may ask models"),
        ("lms token create --name ci --allow inference --allow models --expires 30", "may load them too, for a month"),
    ],
)
def create(session: Session, name: Name = "token", allow: Allow = None, expires: Expires = None) -> None:
    """Make a token and print it, this once. Only a digest of it is kept."""
    from lms.config.tokens import TokenFile, new_token

    now_s = time.time()
    expires_s = None if expires is None else now_s + expires * DAY_S
    whole, token = new_token(name, _permissions(allow or ["inference"]), now_s, expires_s)
    TokenFile(session.home.tokens).add(token)
    if session.output.as_json:
        session.output.json(shapes.token(token) | {"token": whole})
    else:
        session.output.data(whole)
        session.output.hint("Keep it: it cannot be shown again.")


@command(app, "list", examples=[("lms token list", "ids, names and permissions; never the tokens themselves")])
def list_(session: Session) -> None:
    """List the tokens."""
    from lms.config.tokens import TokenFile

    tokens = TokenFile(session.home.tokens).tokens()
    if session.output.as_json:
        session.output.json([shapes.token(token) for token in tokens])
    elif not tokens:
        session.output.hint("There are no API tokens. Make one with: lms token create")
    else:
        session.output.table(Table(HEADERS, tuple(_cells(token) for token in tokens)))


@command(app, "revoke", examples=[("lms token revoke k3J9xQ2a", "whoever has it is refused from now on")])
def revoke(session: Session, token_id: TokenId) -> None:
    """Revoke a token. A server that runs refuses it from the next request on."""
    from lms.config.tokens import TokenFile

    token = TokenFile(session.home.tokens).remove(token_id)
    if session.output.as_json:
        session.output.json({"revoked": token.id})
    else:
        session.output.say(f"Revoked “{token.name}” ({token.id}).")


def _permissions(typed: list[str]) -> "tuple[Permission, ...]":
    """The permissions by those names, in the order of their own. Raises UsageError."""
    from lms.config.tokens import PERMISSIONS

    words = {one_of("--allow", word, (*PERMISSIONS, "all")) for word in typed}
    return tuple(permission for permission in PERMISSIONS if words & {permission, "all"})


def _cells(token: "Token") -> tuple[Cell, ...]:
    return (
        token.id,
        token.name,
        ", ".join(token.permissions),
        _date(token.created_s),
        "never" if token.expires_s is None else _date(token.expires_s),
    )


def _date(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s).strftime("%Y-%m-%d")
