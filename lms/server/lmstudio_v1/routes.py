"""The endpoints under `/api/v1`."""

import time

from flask import Blueprint, Response

from lms.server.http import exchange, failure_in_stream, history, open_toolbox, raw_body, reply, services, stream_reply
from lms.server.lmstudio_v1 import chat, downloads, models, request, thread
from lms.server.requests.fields import decode

blueprint = Blueprint("lmstudio_v1", __name__, url_prefix="/api/v1")


@blueprint.post("/chat")
def answer() -> Response:
    ours = services()
    call = request.parse(raw_body(), ours.presets, ours.lenient)
    begun, way = thread.begun(call, history()), exchange()
    toolbox = open_toolbox(way, call.servers)
    if call.stream:
        return stream_reply(chat.streamed(begun, way, toolbox, failure_in_stream()))
    return reply(chat.answered(begun, way, toolbox))


@blueprint.get("/models")
def list_models() -> Response:
    backend = services().backend
    return reply(models.list_body(backend.models(), backend.instances()))


@blueprint.post("/models/load")
def load() -> Response:
    asked, echo = models.parse_load(raw_body(), services().lenient)
    services().backend.resolve(asked.model).require_context(asked.config.context_length)
    return reply(models.load_body(exchange().load(asked), echo))


@blueprint.post("/models/unload")
def unload() -> Response:
    instance_id = decode(raw_body(), models.UnloadBody).instance_id
    return reply({"instance_id": services().backend.unload(instance_id).identifier})


@blueprint.post("/models/download")
def download() -> Response:
    ours = services()
    return reply(downloads.begun_body(ours.downloads.start_download(downloads.parse(raw_body(), ours.lenient))))


@blueprint.get("/models/download/status/<job_id>")
def download_status(job_id: str) -> Response:
    return reply(downloads.status_body(services().downloads.download(job_id), time.time()))
