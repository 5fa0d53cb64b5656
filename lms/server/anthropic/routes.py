"""The endpoints under `/v1/messages`. What their query strings ask for (`?beta=true`) makes no difference."""

from functools import partial

from flask import Blueprint, Response

from lms.generation.events import WasRead
from lms.server.anthropic import events, message, request
from lms.server.exchange import new_head
from lms.server.http import exchange, raw_body, reply, stream_reply

blueprint = Blueprint("anthropic", __name__, url_prefix="/v1/messages")


@blueprint.post("")
def create() -> Response:
    call, shows_thinking = request.parse(raw_body())
    way = exchange()
    if call.stream:
        return stream_reply(way.streamed(call, "msg_", partial(events.chunks, shows_thinking=shows_thinking)))
    lease = way.lease(call)
    head = new_head("msg_", lease)
    (answer,) = way.answers(lease, call)
    return reply(message.body(answer, head, shows_thinking))


@blueprint.post("/count_tokens")
def count_tokens() -> Response:
    call = request.parse_count(raw_body())
    way = exchange()
    return reply(message.count_body(way.single(way.lease(call), call, WasRead)))
