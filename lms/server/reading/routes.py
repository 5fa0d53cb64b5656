"""The endpoints, at the paths where llama.cpp's server has them."""

from flask import Blueprint, Response

from lms.generation.events import Ranked, Spelled, WasRead
from lms.server.http import exchange, raw_body, reply, services
from lms.server.reading import rerank, tokens
from lms.server.requests.call import PlainCall

blueprint = Blueprint("reading", __name__)


@blueprint.post("/tokenize")
def tokenize() -> Response:
    call = tokens.parse_tokenize(raw_body(), services().presets)
    return reply(tokens.tokenize_body(_read(call), call))


@blueprint.post("/detokenize")
def detokenize() -> Response:
    call = tokens.parse_detokenize(raw_body())
    way = exchange()
    return reply(tokens.detokenize_body(way.single(way.lease(call), call, Spelled)))


@blueprint.post("/apply-template")
def apply_template() -> Response:
    return reply(tokens.template_body(_read(tokens.parse_chat(raw_body(), services().presets))))


@blueprint.post("/v1/chat/completions/input_tokens")
def input_tokens() -> Response:
    return reply(tokens.count_body(_read(tokens.parse_chat(raw_body(), services().presets))))


@blueprint.post("/v1/rerank")
@blueprint.post("/rerank")
def rank() -> Response:
    call = rerank.parse(raw_body())
    way = exchange()
    lease = way.lease(call.plain)
    return reply(rerank.body(way.single(lease, call.plain, Ranked), call, lease))


def _read(call: PlainCall) -> WasRead:
    way = exchange()
    return way.single(way.lease(call), call, WasRead)
