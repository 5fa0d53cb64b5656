"""What a parsed body asks for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from lms.client.control import LeaseKind
from lms.errors import InvalidRequest, LmsError
from lms.generation.messages import pictures_in
from lms.generation.request import (
    ChatPrompt,
    EmbedRequest,
    GenerateRequest,
    Prompt,
    RankRequest,
    ReadRequest,
    SpellRequest,
)

# What engines call the conversation, as chats do, and what they mean where they complain of no field.
CONVERSATION = "messages"
# What a dialect calls the fields that engines know by the names that chats have for them.
Fields = Mapping[str, str]


@dataclass(frozen=True)
class GenerateCall:
    """Answers wanted from `model`, one for each of `requests`. `ttl_s` counts only if this call loads the model.

    `draft_model` is to guess for it, whatever the model was loaded with. Each `answers_each` requests that follow each
    other have the same prompt. A context of `context_length` tokens is the least that will do. `progress`: a stream is
    to say how far the prompt is. Complaints use `fields`.
    """

    model: str
    requests: tuple[GenerateRequest, ...]
    stream: bool = False
    include_usage: bool = False
    ttl_s: float | None = None
    kind: Literal["llm"] = "llm"
    draft_model: str | None = None
    answers_each: int = 1
    context_length: int | None = None
    fields: Fields | None = None
    progress: bool = False

    @property
    def picture(self) -> str | None:
        """The field of a picture that the model has to see."""
        return _picture_in(self.requests[0].prompt)


@dataclass(frozen=True)
class EmbedCall:
    """Vectors wanted from `model`; only their first `dimensions`, if given: of use where a model was trained for that
    (Matryoshka embeddings), which its file does not say.
    """

    model: str
    request: EmbedRequest
    base64: bool = False
    dimensions: int | None = None
    ttl_s: float | None = None
    kind: Literal["embedding"] = "embedding"
    draft_model: None = None
    context_length: None = None
    picture: None = None
    fields: None = None


@dataclass(frozen=True)
class PlainCall:
    """One request to `model` that is answered with one event: its texts ranked or read, or its tokens spelled."""

    model: str
    request: RankRequest | ReadRequest | SpellRequest
    kind: LeaseKind
    ttl_s: float | None = None
    draft_model: None = None
    context_length: None = None
    fields: Fields | None = None

    @property
    def picture(self) -> str | None:
        """As `GenerateCall.picture`."""
        return _picture_in(self.request.prompt) if isinstance(self.request, ReadRequest) else None


Call = GenerateCall | EmbedCall | PlainCall


@contextmanager
def in_terms_of(fields: Fields | None) -> Iterator[None]:
    """What is raised within names the field that its dialect has."""
    try:
        yield
    except LmsError as error:
        if fields is not None:
            name = error.param or (CONVERSATION if isinstance(error, InvalidRequest) else "")
            error.param = fields.get(name, name) or None
        raise


def _picture_in(prompt: Prompt) -> str | None:
    pictures = pictures_in(prompt.messages) if isinstance(prompt, ChatPrompt) else ()
    return pictures[0].param if pictures else None
