"""Every public endpoint: what it is for, which body it takes, and which permission of an API token it asks for.

One table, because both have to be complete: an endpoint that is missing here is closed to all tokens, and to readers of
`/openapi.json`. A test compares it with the routes.
"""

import re
from dataclasses import dataclass
from typing import Literal

from lms.config.tokens import Permission
from lms.server.lmstudio_v1 import request as v1
from lms.server.lmstudio_v1.models import LoadBody, UnloadBody
from lms.server.openai.responses.request import ResponseBody
from lms.server.requests.chat import ChatBody
from lms.server.requests.embedding import EmbeddingBody
from lms.server.requests.text import TextBody

# Any of these is enough; none is needed where there are none.
Allowing = frozenset[Permission]
EVERYBODY: Allowing = frozenset()
GENERATING: Allowing = frozenset({"inference"})
LISTING: Allowing = frozenset({"inference", "models"})
MANAGING: Allowing = frozenset({"models"})
WATCHING: Allowing = frozenset({"admin"})

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?(?P<name>[^<>]+)>")


@dataclass(frozen=True)
class Endpoint:
    """`rule` is the route's, as Flask has it; `body` the type that the request's JSON is decoded as.

    answers: the media types of a good answer
    """

    method: Literal["GET", "POST", "DELETE"]
    rule: str
    summary: str
    family: str
    allowing: Allowing
    body: type | None = None
    answers: tuple[str, ...] = ("application/json",)

    @property
    def path(self) -> str:
        """The rule as OpenAPI writes it: `/v1/models/{model}`."""
        return _VARIABLE.sub(r"{\g<name>}", self.rule)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(_VARIABLE.findall(self.rule))


STREAMS = ("application/json", "text/event-stream")

ENDPOINTS = (
    Endpoint("GET", "/v1/models", "List the models", "OpenAI", LISTING),
    Endpoint("GET", "/v1/models/<path:model>", "One model", "OpenAI", LISTING),
    Endpoint("POST", "/v1/chat/completions", "Answer a conversation", "OpenAI", GENERATING, ChatBody, STREAMS),
    Endpoint("POST", "/v1/completions", "Continue a text", "OpenAI", GENERATING, TextBody, STREAMS),
    Endpoint("POST", "/v1/embeddings", "Turn texts into vectors", "OpenAI", GENERATING, EmbeddingBody),
    Endpoint("POST", "/v1/responses", "Answer, and keep the answer", "OpenAI", GENERATING, ResponseBody, STREAMS),
    Endpoint("GET", "/v1/responses/<response_id>", "A stored response", "OpenAI", GENERATING),
    Endpoint("DELETE", "/v1/responses/<response_id>", "Delete a stored response", "OpenAI", GENERATING),
    Endpoint("GET", "/v1/responses/<response_id>/input_items", "What it was asked with", "OpenAI", GENERATING),
    Endpoint(
        "POST", "/v1/responses/<response_id>/cancel", "Cancel it, if it is in the background", "OpenAI", GENERATING
    ),
    Endpoint("GET", "/api/v0/models", "List the models", "LM Studio REST v0", LISTING),
    Endpoint("GET", "/api/v0/models/<path:model>", "One model", "LM Studio REST v0", LISTING),
    Endpoint(
        "POST", "/api/v0/chat/completions", "Answer a conversation", "LM Studio REST v0", GENERATING, ChatBody, STREAMS
    ),
    Endpoint("POST", "/api/v0/completions", "Continue a text", "LM Studio REST v0", GENERATING, TextBody, STREAMS),
    Endpoint("POST", "/api/v0/embeddings", "Turn texts into vectors", "LM Studio REST v0", GENERATING, EmbeddingBody),
    Endpoint("POST", "/api/v1/chat", "Answer, and remember it", "LM Studio REST v1", GENERATING, v1.ChatBody, STREAMS),
    Endpoint("GET", "/api/v1/models", "List the models, loaded or not", "LM Studio REST v1", LISTING),
    Endpoint("POST", "/api/v1/models/load", "Load a model", "LM Studio REST v1", MANAGING, LoadBody),
    Endpoint("POST", "/api/v1/models/unload", "Unload a model", "LM Studio REST v1", MANAGING, UnloadBody),
    Endpoint("GET", "/lmstudio-greeting", "Whether LM Studio's SDKs may use this port", "Operations", EVERYBODY),
    Endpoint("GET", "/health", "Whether the server can answer requests", "Operations", EVERYBODY),
    Endpoint("GET", "/metrics", "Figures for Prometheus", "Operations", WATCHING, answers=("text/plain",)),
    Endpoint("GET", "/openapi.json", "This description", "Operations", EVERYBODY),
    Endpoint("GET", "/docs", "This description, to be read", "Operations", EVERYBODY, answers=("text/html",)),
)

_BY_ROUTE = {(endpoint.method, endpoint.rule): endpoint for endpoint in ENDPOINTS}


def find(method: str, rule: str) -> Endpoint | None:
    """The endpoint of a route. HEAD is GET without the body."""
    return _BY_ROUTE.get(("GET" if method == "HEAD" else method, rule))  # type: ignore[arg-type]
