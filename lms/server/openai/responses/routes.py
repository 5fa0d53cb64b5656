"""The endpoints under `/v1/responses`."""

from contextlib import closing

from flask import Blueprint, Response
from flask import request as http_request

from lms.errors import InvalidRequest
from lms.generation.events import WasRead
from lms.generation.request import ReadRequest
from lms.server.exchange import Exchange
from lms.server.http import exchange, history, open_toolbox, raw_body, reply, services, stream_reply
from lms.server.openai.responses import listing
from lms.server.openai.responses.answering import Answering
from lms.server.openai.responses.keeping import Keeper
from lms.server.openai.responses.reply import Reply
from lms.server.openai.responses.request import ResponseCall, parse
from lms.server.reading.tokens import count_body
from lms.server.requests.call import PlainCall
from lms.server.requests.fields import only
from lms.server.tools.loop import ToolLoop
from lms.server.tools.toolbox import Toolbox

blueprint = Blueprint("responses", __name__, url_prefix="/v1/responses")


@blueprint.post("")
def create() -> Response:
    keeper, way = _keeper(), exchange()
    asked = parse(raw_body(), keeper, services().presets)
    toolbox = _toolbox(way, asked)
    asked = asked.with_tools(toolbox.tools)
    answering = Answering(Reply(asked, toolbox), keeper)
    loop = ToolLoop(way, toolbox, with_functions=True, most_calls=asked.most_tool_calls)
    if asked.call.stream:
        return stream_reply(loop.streamed(asked.call, "resp_", answering.chunks), answering.told)
    with closing(toolbox):
        lease = way.lease(asked.call)
        with closing(loop.news(lease, asked.call)) as news:
            return reply(answering.body(news, lease))


@blueprint.post("/input_tokens")
def input_tokens() -> Response:
    """How many tokens the input of such a request has. Nothing is answered."""
    asked, way = parse(raw_body(), _keeper(), services().presets), exchange()
    with closing(_toolbox(way, asked)) as toolbox:
        call = asked.with_tools(toolbox.tools).call
    counted = PlainCall(call.model, ReadRequest(call.requests[0].prompt), "llm", call.ttl_s, fields=call.fields)
    return reply(count_body(way.single(way.lease(counted), counted, WasRead)))


@blueprint.get("/<response_id>")
def retrieve(response_id: str) -> Response:
    only(http_request.args.get("stream"), (None, "false"), "stream")
    return reply(_keeper().body(response_id))


@blueprint.delete("/<response_id>")
def delete(response_id: str) -> Response:
    _keeper().remove(response_id)
    return reply({"id": response_id, "object": "response", "deleted": True})


@blueprint.get("/<response_id>/input_items")
def input_items(response_id: str) -> Response:
    asked = listing.page(http_request.args)
    return reply(listing.body(_keeper().input(response_id), asked))


@blueprint.post("/<response_id>/cancel")
def cancel(response_id: str) -> Response:
    """Nothing runs in the background here, so nothing that is stored can be cancelled."""
    _keeper().body(response_id)
    raise InvalidRequest(
        "Only responses in the background can be cancelled.",
        hint="Close the connection to cancel one that is under way.",
    )


def _toolbox(way: Exchange, asked: ResponseCall) -> Toolbox:
    return open_toolbox(way, asked.tools.servers, asked.tools.origins, asked.tools.choice.required)


def _keeper() -> Keeper:
    return Keeper(history(), services().log)
