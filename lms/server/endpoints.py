"""Every public endpoint: what it is for, which body it takes, and which permission of an API token it asks for.

One table, because both have to be complete: an endpoint that is missing here is closed to all tokens, and to readers of
`/openapi.json`. A test compares it with the routes. What is only for this program itself stands apart (`REMOTE`).
"""

import re
from dataclasses import dataclass
from typing import Literal

from lms.config.tokens import Permission
from lms.server.anthropic.request import CountBody, MessagesBody
from lms.server.lmstudio_v1.downloads import DownloadBody
from lms.server.lmstudio_v1.models import LoadBody, UnloadBody
from lms.server.lmstudio_v1.request import ChatBody as NativeChatBody
from lms.server.openai.responses.listing import Page
from lms.server.openai.responses.request import ResponseBody
from lms.server.reading.rerank import RerankBody
from lms.server.reading.tokens import DetokenizeBody, TokenizeBody
from lms.server.requests.chat import ChatBody
from lms.server.requests.embedding import EmbeddingBody
from lms.server.requests.listing import ModelsQuery
from lms.server.requests.text import TextBody

# Any of these is enough; none is needed where there are none.
Allowing = frozenset[Permission]
EVERYBODY: Allowing = frozenset()
GENERATING: Allowing = frozenset({"inference"})
LISTING: Allowing = frozenset({"inference", "models"})
MANAGING: Allowing = frozenset({"models"})
WATCHING: Allowing = frozenset({"admin"})
CONTROLLING: Allowing = frozenset({"admin"})
# One's own with the one, everybody's with the other.
RECALLING: Allowing = frozenset({"inference", "admin"})

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?(?P<name>[^<>]+)>")


def path_of(rule: str) -> str:
    """A route's rule as OpenAPI writes it: `/v1/models/{model}`."""
    return _VARIABLE.sub(r"{\g<name>}", rule)


@dataclass(frozen=True)
class Endpoint:
    """`rule` is the route's, as Flask has it.

    body: the type that the request's JSON is decoded as; query: that of its query string
    answers: the media types of a good answer
    """

    method: Literal["GET", "POST", "DELETE"]
    rule: str
    summary: str
    allowing: Allowing
    body: type | None = None
    answers: tuple[str, ...] = ("application/json",)
    query: type | None = None

    @property
    def path(self) -> str:
        return path_of(self.rule)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(_VARIABLE.findall(self.rule))


STREAMS = ("application/json", "text/event-stream")

FAMILIES = {
    "OpenAI": (
        Endpoint("GET", "/v1/models", "List the models", LISTING, query=ModelsQuery),
        Endpoint("GET", "/v1/models/<path:model>", "One model", LISTING),
        Endpoint("POST", "/v1/chat/completions", "Answer a conversation", GENERATING, ChatBody, STREAMS),
        Endpoint("POST", "/v1/completions", "Continue a text", GENERATING, TextBody, STREAMS),
        Endpoint("POST", "/v1/embeddings", "Turn texts into vectors", GENERATING, EmbeddingBody),
        Endpoint("POST", "/v1/responses", "Answer, and keep the answer", GENERATING, ResponseBody, STREAMS),
        Endpoint("POST", "/v1/responses/input_tokens", "Count the tokens of a request", GENERATING, ResponseBody),
        Endpoint("GET", "/v1/responses/<response_id>", "A stored response", RECALLING),
        Endpoint("DELETE", "/v1/responses/<response_id>", "Delete a stored response", RECALLING),
        Endpoint("GET", "/v1/responses/<response_id>/input_items", "What it was asked with", RECALLING, query=Page),
        Endpoint("POST", "/v1/responses/<response_id>/cancel", "Cancel it, if it is in the background", GENERATING),
    ),
    "Anthropic": (
        Endpoint("POST", "/v1/messages", "Answer a conversation", GENERATING, MessagesBody, STREAMS),
        Endpoint("POST", "/v1/messages/count_tokens", "Count a conversation's tokens", GENERATING, CountBody),
    ),
    "LM Studio REST v1": (
        Endpoint("POST", "/api/v1/chat", "Answer, and remember it", GENERATING, NativeChatBody, STREAMS),
        Endpoint("GET", "/api/v1/models", "List the models, loaded or not", LISTING),
        Endpoint("POST", "/api/v1/models/load", "Load a model", MANAGING, LoadBody),
        Endpoint("POST", "/api/v1/models/unload", "Unload a model", MANAGING, UnloadBody),
        Endpoint("POST", "/api/v1/models/download", "Download a model", MANAGING, DownloadBody),
        Endpoint("GET", "/api/v1/models/download/status/<job_id>", "How a download stands", MANAGING),
    ),
    "LM Studio REST v0": (
        Endpoint("GET", "/api/v0/models", "List the models", LISTING, query=ModelsQuery),
        Endpoint("GET", "/api/v0/models/<path:model>", "One model", LISTING),
        Endpoint("POST", "/api/v0/chat/completions", "Answer a conversation", GENERATING, ChatBody, STREAMS),
        Endpoint("POST", "/api/v0/completions", "Continue a text", GENERATING, TextBody, STREAMS),
        Endpoint("POST", "/api/v0/embeddings", "Turn texts into vectors", GENERATING, EmbeddingBody),
    ),
    "Reading": (
        Endpoint("POST", "/tokenize", "The tokens of a text", GENERATING, TokenizeBody),
        Endpoint("POST", "/detokenize", "The text of tokens", GENERATING, DetokenizeBody),
        Endpoint("POST", "/apply-template", "A conversation as the model reads it", GENERATING, ChatBody),
        Endpoint("POST", "/v1/chat/completions/input_tokens", "Count its tokens", GENERATING, ChatBody),
        Endpoint("POST", "/v1/rerank", "Order documents by how they answer", GENERATING, RerankBody),
        Endpoint("POST", "/rerank", "The same", GENERATING, RerankBody),
    ),
    "Operations": (
        Endpoint("GET", "/lmstudio-greeting", "Whether LM Studio's SDKs may use this port", EVERYBODY),
        Endpoint("GET", "/health", "Whether the server can answer requests", EVERYBODY),
        Endpoint("GET", "/metrics", "Figures for Prometheus", WATCHING, answers=("text/plain",)),
        Endpoint("GET", "/openapi.json", "This description", EVERYBODY),
        Endpoint("GET", "/docs", "This description, to be read", EVERYBODY, answers=("text/html",)),
    ),
}

ENDPOINTS = tuple(endpoint for family in FAMILIES.values() for endpoint in family)

# What a command line on another machine may ask of the daemon; whatever is missing here stays on the daemon's own
# socket. These are no public endpoints: they are as the version of this program has them.
_SHOWN = ("status", "server", "models", "instances", "paces", "downloads", "logs")
_DONE = (
    *("resolve", "estimate", "load", "unload", "hub/search", "hub/offers"),
    *("downloads", "downloads/status", "downloads/follow", "downloads/pause", "downloads/cancel"),
)
_FOR_WHOM = "For the command line of another machine"
REMOTE: tuple[Endpoint, ...] = (
    *(Endpoint("GET", f"/internal/{path}", _FOR_WHOM, CONTROLLING) for path in _SHOWN),
    *(Endpoint("POST", f"/internal/{path}", _FOR_WHOM, CONTROLLING) for path in _DONE),
)

_BY_ROUTE = {(endpoint.method, endpoint.rule): endpoint for endpoint in (*ENDPOINTS, *REMOTE)}


def find(method: str, rule: str) -> Endpoint | None:
    """The endpoint of a route. HEAD is GET without the body."""
    return _BY_ROUTE.get(("GET" if method == "HEAD" else method, rule))  # type: ignore[arg-type]
