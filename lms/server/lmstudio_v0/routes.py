"""The endpoints under `/api/v0`."""

from functools import partial

from flask import Blueprint, Response, request

from lms.generation.events import Embedded
from lms.server import visible
from lms.server.exchange import new_head
from lms.server.http import exchange, raw_body, reply, services, stream_reply
from lms.server.lmstudio_v0 import chat, completions, embeddings, models
from lms.server.requests import chat as chat_request
from lms.server.requests import embedding as embedding_request
from lms.server.requests import text as text_request
from lms.server.requests.listing import wants_all

blueprint = Blueprint("lmstudio_v0", __name__, url_prefix="/api/v0")


@blueprint.get("/models")
def list_models() -> Response:
    return reply(models.body(visible.listed(services().backend, wants_all(request.args))))


@blueprint.get("/models/<path:model>")
def one_model(model: str) -> Response:
    return reply(models.row_body(visible.find(services().backend, model)))


@blueprint.post("/chat/completions")
def chat_completions() -> Response:
    ours = services()
    call = chat_request.parse(raw_body(), ours.presets, separate_reasoning=ours.separate_reasoning)
    way = exchange()
    if call.stream:
        chunks = partial(chat.chunks, answers=len(call.requests), progress=call.progress)
        return stream_reply(way.streamed(call, "chatcmpl-", chunks))
    lease = way.lease(call)
    head = new_head("chatcmpl-", lease)
    return reply(chat.body(way.answers(lease, call), head))


@blueprint.post("/completions")
def text_completions() -> Response:
    call = text_request.parse(raw_body(), services().presets)
    way = exchange()
    if call.stream:
        chunks = partial(completions.chunks, answers=len(call.requests), answers_each=call.answers_each)
        return stream_reply(way.streamed(call, "cmpl-", chunks))
    lease = way.lease(call)
    head = new_head("cmpl-", lease)
    return reply(completions.body(way.answers(lease, call), head, call.answers_each))


@blueprint.post("/embeddings")
def embed() -> Response:
    call = embedding_request.parse(raw_body())
    way = exchange()
    lease = way.lease(call)
    return reply(embeddings.body(way.single(lease, call, Embedded), call, lease))
