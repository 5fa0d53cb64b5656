"""The body of a chat. What it means depends on the conversation that it goes on with, and on the model."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lms.client.control import LeaseRequest, ModelRow
from lms.config.prediction import Prediction, TokenCount
from lms.config.presets import Preset, Presets
from lms.generation.messages import Message, Part, Text, Tool
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.server.lmstudio_v1 import integrations
from lms.server.lmstudio_v1.integrations import Integration
from lms.server.lmstudio_v1.reasoning import template_variables
from lms.server.requests.call import CONVERSATION, GenerateCall
from lms.server.requests.fields import NonEmpty, PositiveInt, decode
from lms.server.requests.messages import joined
from lms.server.requests.pictures import from_data_url
from lms.server.requests.presets import filled
from lms.server.requests.reasoning import SWITCHES, budget
from lms.server.requests.response_format import form_of
from lms.server.requests.sampling import sampling, stop_strings, token_limit
from lms.server.tools.access import WantedServer

_FIELDS = {CONVERSATION: "input", "tools": "integrations"} | dict.fromkeys(SWITCHES, "reasoning")
_Share = Annotated[float, Meta(ge=0, le=1)]


class _Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Common to all kinds of input."""


class MessageItem(_Item, frozen=True, tag="message"):
    content: str


class TextItem(_Item, frozen=True, tag="text"):
    """The same by another name: LM Studio's table says one, its example the other."""

    content: str


class ImageItem(_Item, frozen=True, tag="image"):
    data_url: str


Item = MessageItem | TextItem | ImageItem


class ChatBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The temperature has no upper limit, as sampling needs none; LM Studio's documentation says 1.

    `preset` is LM Studio's on its other endpoints: one whose settings hold for what the body leaves open.
    """

    model: NonEmpty
    input: str | Annotated[list[Item], Meta(min_length=1)]
    system_prompt: str | None = None
    integrations: list[Integration] | None = None
    stream: bool | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: _Share | None = None
    top_k: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    min_p: _Share | None = None
    repeat_penalty: Annotated[float, Meta(ge=0.01, le=10)] | None = None
    max_output_tokens: TokenCount | None = None
    reasoning: Literal["off", "low", "medium", "high", "xhigh", "on"] | None = None
    context_length: PositiveInt | None = None
    preset: str | None = None
    store: bool | None = None
    previous_response_id: NonEmpty | None = None


class LenientChatBody(ChatBody, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """For clients that believe LM Studio's page on TTLs rather than its server."""

    ttl: PositiveInt | None = None


@dataclass(frozen=True)
class ChatCall:
    """One answer wanted to what is `said`, by a model that `lease` is to be had on.

    system_prompt: None means the one that the conversation has
    previous: the id of the response that it goes on from
    request: all but its prompt
    preset_reasoning: what counts without `reasoning`, with models that can be told how to think
    store: None means if anything is stored at all
    servers: whose tools it may call
    """

    lease: LeaseRequest
    said: Message
    system_prompt: str | None
    previous: str | None
    request: GenerateRequest
    reasoning: str | None
    preset_reasoning: str | None
    stream: bool
    store: bool | None
    servers: tuple[WantedServer, ...] = ()

    def asked(self, conversation: tuple[Message, ...], model: ModelRow, tools: tuple[Tool, ...] = ()) -> GenerateCall:
        """What `model` is asked. Raises InvalidRequest when its reasoning cannot be as it should."""
        reasoning = self.reasoning or (self.preset_reasoning if model.reasoning else None)
        prompt = ChatPrompt(conversation, tools, template_variables(reasoning, model))
        wanted = self.lease
        return GenerateCall(
            wanted.model,
            (msgspec.structs.replace(self.request, prompt=prompt),),
            self.stream,
            ttl_s=wanted.ttl_s,
            draft_model=wanted.draft_model,
            context_length=wanted.context_length,
            fields=_FIELDS,
        )


def parse(raw: bytes, presets: Presets, lenient: bool = False) -> ChatCall:
    """The call that a body asks for. Raises InvalidRequest naming the field, and as `Presets.named` does."""
    body = decode(raw, LenientChatBody if lenient else ChatBody)
    preset = presets.named(body.preset) or Preset()
    settings = filled(_settings(body), preset)
    said = Message("user", _said(body.input))
    return ChatCall(
        _wanted(body, settings),
        said,
        preset.system_prompt if body.system_prompt is None else body.system_prompt,
        body.previous_response_id,
        _request(settings, preset),
        body.reasoning,
        preset.reasoning,
        bool(body.stream),
        body.store,
        integrations.wanted(body.integrations),
    )


def _settings(body: ChatBody) -> Prediction:
    return Prediction(
        temperature=body.temperature,
        top_k=body.top_k,
        top_p=body.top_p,
        min_p=body.min_p,
        repeat_penalty=body.repeat_penalty,
        max_tokens=body.max_output_tokens,
    )


def _wanted(body: ChatBody, settings: Prediction) -> LeaseRequest:
    return LeaseRequest(
        body.model,
        ttl_s=body.ttl if isinstance(body, LenientChatBody) else None,
        draft_model=settings.draft_model or None,
        context_length=body.context_length,
        watching=True,
    )


def _request(settings: Prediction, preset: Preset) -> GenerateRequest:
    """What is asked of the model, whatever the conversation."""
    return GenerateRequest(
        ChatPrompt(()),
        sampling(settings),
        token_limit(settings.max_tokens, "max_output_tokens"),
        stop_strings(settings.stop),
        constraint=form_of(settings),
        reasoning_budget=budget(preset.reasoning_budget),
        overflow=settings.context_overflow_policy,
    )


def _said(given: str | list[Item]) -> str | tuple[Part, ...]:
    if isinstance(given, str):
        return given
    return joined(tuple(_part(item, f"input[{index}]") for index, item in enumerate(given)))


def _part(item: Item, path: str) -> Part:
    return from_data_url(item.data_url, f"{path}.data_url") if isinstance(item, ImageItem) else Text(item.content)
