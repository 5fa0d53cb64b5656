"""The part of the daemon's own API that other machines may use, handed on as it is asked and answered.

It takes a token with the permission `admin`. Where the server asks for none it is closed, because any web page and
anybody in the network could load and delete.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from lms.client.calls import Relayed
from lms.errors import InvalidRequest, LmsError, PermissionDenied
from lms.server import body
from lms.server.access import Access
from lms.server.endpoints import REMOTE
from lms.server.http import access

Relay = Callable[[str, str, bytes], Relayed]


def blueprint(relay: Relay, *, asks_for_tokens: bool) -> Blueprint:
    """`relay` takes a method, a path and a body to the daemon."""
    api = Blueprint("remote", __name__)

    def hand_on() -> Response:
        if not asks_for_tokens:
            raise PermissionDenied(
                "This server cannot be used by the command line of other machines, because it asks for no API tokens.",
                hint="There, lms server start --require-auth, and lms token create --allow admin --allow inference.",
            )
        content = body.read(request.stream, request.content_length) if request.method == "POST" else b""
        if request.method == "POST":
            _refuse_what_is_the_owners(content)
        answer = relay(request.method, request.path, content)
        response = Response(_pieces(answer, access()), answer.status, content_type=answer.media_type)
        response.call_on_close(answer.close)
        return response

    for endpoint in REMOTE:
        api.add_url_rule(endpoint.rule, "hand_on", hand_on, methods=[endpoint.method])
    return api


class _Files(msgspec.Struct):
    lora: Any = ()


class _Asked(msgspec.Struct):
    """What no request from another machine may say: the daemon would show its own hub account to any address, and open
    any file."""

    endpoint: Any = None
    token: Any = None
    config: _Files = msgspec.field(default_factory=_Files)


def _refuse_what_is_the_owners(content: bytes) -> None:
    try:
        asked = msgspec.json.decode(content, type=_Asked)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest("This is no request of lms.", hint="Both sides should have the same version.") from error
    if asked.endpoint is not None or asked.token is not None or asked.config.lora:
        raise PermissionDenied(
            "From another machine, neither a hub's address or token nor files of the server's machine can be named.",
            hint="What is set there counts.",
        )


def _pieces(answer: Relayed, line: Access) -> Iterator[bytes]:
    """What breaks it off breaks the connection, too: whoever is at its other end shall not take it for whole."""
    try:
        yield from answer.pieces
    except LmsError as error:
        line.problem = str(error)
        raise
