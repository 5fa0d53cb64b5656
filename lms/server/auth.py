"""Asks for an API token where the server was started with `--require-auth`, and for the permission of each endpoint.

Without that, any token is as good as none. Preflights of browsers carry no token, and get no answer but headers.
"""

from flask import Flask, g, request

from lms.config.tokens import Token, TokenFile
from lms.errors import PermissionDenied, Unauthorized
from lms.server import endpoints
from lms.server.endpoints import Allowing

_BEARER = "bearer "


def attach(app: Flask, tokens: TokenFile) -> None:
    """Refuse what no token of `tokens` allows. An endpoint that is not in the table is allowed by none."""

    @app.before_request
    def check() -> None:
        if request.method == "OPTIONS":
            return
        endpoint = endpoints.find(request.method, request.url_rule.rule) if request.url_rule else None
        if endpoint is not None and not endpoint.allowing:
            return
        g.token = tokens.check(given(request.headers.get("Authorization"), request.headers.get("X-Api-Key")))
        if endpoint is not None:
            _require_any(g.token, endpoint.allowing)
        elif request.url_rule is not None:
            raise PermissionDenied(f"No API token allows {request.path}.")


def sent_token() -> Token | None:
    """The token that this request came with; None where the server asks for none."""
    token: Token | None = g.get("token")
    return token


def given(authorization: str | None, api_key: str | None) -> str:
    """The token that a request carries in one of the two headers. Raises Unauthorized when it carries none."""
    if authorization and authorization.lower().startswith(_BEARER):
        return authorization[len(_BEARER) :].strip()
    if api_key:
        return api_key.strip()
    raise Unauthorized(
        "An API token is required.",
        hint="Send it as “Authorization: Bearer sk-lm-…”, or as “x-api-key”. lms token create makes one.",
    )


def _require_any(token: Token, allowing: Allowing) -> None:
    if not allowing.intersection(token.permissions):
        needed = " or ".join(f"“{permission}”" for permission in sorted(allowing))
        raise PermissionDenied(
            f"The API token “{token.name}” lacks the permission {needed}.",
            hint="lms token create --allow makes one that has it.",
        )
