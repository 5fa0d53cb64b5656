"""Which machine a command is about: this one, unless `--host`, `--port` or LMS_HOST name another's HTTP server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from lms.cli.values import whole_number
from lms.errors import UsageError

if TYPE_CHECKING:
    from lms.client.remote import Place

VARIABLE = "LMS_HOST"
THIS_MACHINE = "127.0.0.1"
DEFAULT_PORT = 1234
MOST_PORT = 65535
# What lmstudio-js reads, then lmstudio-python.
TOKEN_VARIABLES = ("LM_API_TOKEN", "LMSTUDIO_API_TOKEN")
_TOKEN = re.compile(r"[!-~]+")

Host = Annotated[
    str | None, typer.Option("--host", metavar="HOST", help="Ask the lms server of another machine. Default: LMS_HOST.")
]
Port = Annotated[str | None, typer.Option("--port", metavar="PORT", help="That server's port, if not 1234.")]


def place(host: str | None, port: str | None, environ: Mapping[str, str]) -> Place | None:
    """The server to ask; None: the daemon of this machine, over its socket. Options go over the variable, the port over
    the variable's port as well. Raises UsageError.
    """
    number = None if port is None else whole_number("--port", port, 1, MOST_PORT)
    if host is not None:
        _require_bare(host)
    elif environ.get(VARIABLE):
        host, known = _of_variable(environ[VARIABLE])
        number = number or known
    if number is None and host in (None, THIS_MACHINE):
        return None
    from lms.client.remote import Place

    return Place(host or THIS_MACHINE, number or DEFAULT_PORT)


def token(environ: Mapping[str, str]) -> str | None:
    """The API token to show. Raises UsageError for what cannot be one, without repeating it."""
    variable = next((name for name in TOKEN_VARIABLES if environ.get(name)), TOKEN_VARIABLES[0])
    found = environ.get(variable, "").strip()
    if found and not _TOKEN.fullmatch(found):
        raise UsageError(f"What {variable} holds is no API token.", hint="One looks like sk-lm-….")
    return found or None


def _require_bare(host: str) -> None:
    if ":" in host:
        raise UsageError(f"--host takes a name or an address, not “{host}”.", hint="The port goes with --port.")
    _require_name("--host", host)


def _require_name(where: str, host: str) -> None:
    from lms.config.hosts import require_host

    try:
        require_host(host)
    except ValueError as error:
        raise UsageError(f"{where} takes a name or an address, not “{host}”.") from error


def _of_variable(value: str) -> tuple[str, int | None]:
    """`host`, `host:port`, or with an address of IPv6 `[::1]:port`."""
    typed = value.strip()
    try:
        parts = urlsplit(f"//{typed}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or "@" in typed or parts.netloc != typed:
        raise UsageError(f"{VARIABLE} takes a host, or host:port, not “{value}”.")
    _require_name(VARIABLE, host)
    return host, port
