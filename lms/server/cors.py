"""Cross-origin access for pages in a browser: what `lms server start --cors` switches on, for all pages or for some."""

from flask import Flask, Response, request

from lms.config.origins import ANY


def attach(app: Flask, origins: tuple[str, ...]) -> None:
    """Let pages of these `origins` read every answer of `app`. Flask answers the preflight itself, with the methods in
    Allow.
    """

    @app.after_request
    def allow(response: Response) -> Response:
        if ANY in origins:
            _allow(ANY, response)
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin in origins:
            _allow(origin, response)
        return response


def _allow(origin: str, response: Response) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = "X-Request-Id, Request-Id, Retry-After"
    if request.method == "OPTIONS":
        _allow_what_follows(response)


def _allow_what_follows(response: Response) -> None:
    # The wildcard does not cover Authorization (Fetch standard), and every OpenAI client sends that header.
    response.headers["Access-Control-Allow-Headers"] = "*, Authorization"
    response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, POST, OPTIONS")
    response.headers["Access-Control-Max-Age"] = "600"
    # https://wicg.github.io/private-network-access: a public page asks whether it may call into a private network.
    if request.headers.get("Access-Control-Request-Private-Network") == "true":
        response.headers["Access-Control-Allow-Private-Network"] = "true"
