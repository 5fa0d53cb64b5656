"""`GET /lmstudio-greeting`: how LM Studio's SDKs find out that this port is theirs."""

from flask import Blueprint, Response

from lms.server.http import reply

blueprint = Blueprint("greeting", __name__)


@blueprint.get("/lmstudio-greeting")
def greeting() -> Response:
    return reply({"lmstudio": True})
