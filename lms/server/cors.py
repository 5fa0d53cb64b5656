"""Cross-origin access for pages in a browser, from anywhere: what `lms server start --cors` switches on."""

from flask import Flask, Response, request


def attach(app: Flask) -> None:
    """Let every answer of `app` be read by any page. Flask answers the preflight itself, with the methods in Allow."""

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        if request.method == "OPTIONS":
            _allow_what_follows(response)
        return response


def _allow_what_follows(response: Response) -> None:
    # The wildcard does not cover Authorization (Fetch standard), and every OpenAI client sends that header.
    response.headers["Access-Control-Allow-Headers"] = "*, Authorization"
    response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, POST, OPTIONS")
    response.headers["Access-Control-Max-Age"] = "600"
    if request.headers.get("Access-Control-Request-Private-Network") == "true":
        response.headers["Access-Control-Allow-Private-Network"] = "true"
