"""The endpoints for those who run the server."""

from pathlib import Path

from flask import Blueprint, Response

from lms.server.http import reply, services
from lms.server.operations import openapi

blueprint = Blueprint("operations", __name__)

_DOCS = Path(__file__).with_name("docs.html")
# The page is one file, and asks this server only.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
# Version 0.0.4 of the text format, which every Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


@blueprint.get("/health")
def health() -> Response:
    """Says yes once the daemon, and its loop over the models, has answered. Anything else is an error with a status."""
    services().backend.instances()
    return reply({"status": "ok"})


@blueprint.get("/metrics")
def metrics() -> Response:
    return Response(services().metrics(), content_type=_EXPOSITION)


@blueprint.get("/openapi.json")
def description() -> Response:
    return Response(openapi.document(), mimetype="application/json")


@blueprint.get("/docs")
def docs() -> Response:
    return Response(_DOCS.read_bytes(), mimetype="text/html", headers={"Content-Security-Policy": _POLICY})
