"""The body of a response request, and the call that it asks for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta
from msgspec.structs import replace as replaced

from lms.config.prediction import TokenCount
from lms.config.presets import Preset, Presets
from lms.errors import InvalidRequest
from lms.generation.constraint import Constraint
from lms.generation.messages import Message, Tool
from lms.generation.request import ChatPrompt, GenerateRequest, Overflow
from lms.server.openai.responses.items import AnyItem, Item, MessageItem, Reference, conversation, listed, read
from lms.server.openai.responses.text_format import TextOptions
from lms.server.openai.responses.tools import Toolset, toolset
from lms.server.requests.call import CONVERSATION, GenerateCall
from lms.server.requests.fields import NonEmpty, PositiveInt, decode, only
from lms.server.requests.presets import filled, instructed, thinking
from lms.server.requests.reasoning import Effort, ReasoningBody, reasoning_budget, switch_fields, template_variables
from lms.server.requests.response_format import form_of
from lms.server.requests.sampling import (
    MOST_LOGPROBS,
    refuse_unsupported,
    sampling,
    stop_strings,
    token_limit,
)
from lms.server.requests.storing import is_stored

Includable = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
# As https://platform.openai.com/docs/api-reference/responses/create has it.
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]

# LM Studio's own policy stands behind its “auto”.
OVERFLOW: dict[str | None, Overflow | None] = {None: None, "auto": "truncateMiddle", "disabled": "refuse"}


def truncation(policy: Overflow) -> str:
    """What OpenAI calls it."""
    return "auto" if policy in ("truncateMiddle", "rollingWindow") else "disabled"


class ReasoningOptions(msgspec.Struct, frozen=True):
    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: str | None = None


class ResponseBody(ReasoningBody, frozen=True, kw_only=True):
    """OpenAI's fields, and those of the chat endpoint for how the model thinks and draws tokens, and when it stops."""

    input: str | Annotated[list[dict[str, Any]], Meta(min_length=1)]
    instructions: str | None = None
    previous_response_id: NonEmpty | None = None
    max_output_tokens: TokenCount | None = None
    max_completion_tokens: Any = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: PositiveInt | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    include: list[Includable] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: Metadata | None = None
    background: bool | None = None
    conversation: Any = None
    prompt: Any = None
    context_management: Any = None


class Past(Protocol):
    """What earlier responses left behind."""

    @property
    def keeps(self) -> bool:
        """Whether this one will leave something behind, too."""

    def conversation(self, turn_id: str) -> tuple[Message, ...]:
        """Everything up to the end of that response. Raises PreviousResponseNotFound."""

    def item(self, item_id: str, param: str) -> dict[str, Any]:
        """An item that went into a response or came out of it. Raises InvalidRequest naming `param`."""


@dataclass(frozen=True)
class ResponseCall:
    """One response wanted, by `call`.

    input: its items as they can be listed later
    messages: what the input adds to the conversation
    previous: the id of the response that it goes on from
    shown: what the response repeats of the request; of what the request left open, the model decides some
    most_tool_calls: how many calls this server makes for it; None: it does not say
    """

    call: GenerateCall
    input: tuple[dict[str, Any], ...]
    messages: tuple[Message, ...]
    previous: str | None
    shown: dict[str, Any]
    tools: Toolset
    stored: bool
    with_sealed_reasoning: bool
    most_tool_calls: int | None = None

    def with_tools(self, tools: tuple[Tool, ...]) -> "ResponseCall":
        """The same, with some more tools for the model."""
        (request,) = self.call.requests
        assert isinstance(request.prompt, ChatPrompt)
        prompt = msgspec.structs.replace(request.prompt, tools=(*request.prompt.tools, *tools))
        return replace(self, call=replace(self.call, requests=(msgspec.structs.replace(request, prompt=prompt),)))


def parse(raw: bytes, past: Past, presets: Presets) -> ResponseCall:
    """The call that a body asks for. Raises InvalidRequest or Unsupported naming the field, and as `Presets.named`."""
    body = decode(raw, ResponseBody)
    _refuse_unsupported(body)
    _refuse_two_efforts(body)
    preset = presets.named(body.preset)
    body = _filled(body, preset)
    stored = is_stored(body.store, past.keeps)
    tools = toolset(body.tools or [], body.tool_choice, body.parallel_tool_calls)
    items = list(_items(body, past))
    messages = conversation(items)
    earlier = past.conversation(body.previous_response_id) if body.previous_response_id else ()
    conversed = (*earlier, *messages)
    prompt = ChatPrompt(
        instructed(conversed, preset) if body.instructions is None else _instructed(body.instructions, conversed),
        tools.tools,
        template_variables(body, _effort(body)),
    )
    return ResponseCall(
        _call(body, prompt, tools),
        tuple(listed(item) for _, item in items),
        messages,
        body.previous_response_id,
        _shown(body, tools) | {"store": stored},
        tools,
        stored,
        "reasoning.encrypted_content" in (body.include or ()),
        body.max_tool_calls,
    )


def _filled(body: ResponseBody, preset: Preset | None) -> ResponseBody:
    """`body` with what it leaves open taken from `preset`, under the names that responses have for it."""
    if preset is None:
        return body
    formed = body.response_format is not None or (body.text is not None and body.text.format is not None)
    full = thinking(filled(replaced(body, reasoning_effort=_effort(body)), preset, formed=formed), preset)
    return replaced(
        full,
        max_output_tokens=full.max_tokens if body.max_output_tokens is None else body.max_output_tokens,
        context_overflow_policy=body.context_overflow_policy if body.truncation else full.context_overflow_policy,
    )


def _call(body: ResponseBody, prompt: ChatPrompt, tools: Toolset) -> GenerateCall:
    request = GenerateRequest(
        prompt,
        sampling(body),
        token_limit(body.max_output_tokens, "max_output_tokens"),
        stop_strings(body.stop),
        constraint=_form(body),
        tool_choice=tools.choice,
        reasoning_budget=reasoning_budget(body),
        logprobs=(body.top_logprobs or 0) if _wants_logprobs(body) else None,
        overflow=_overflow(body),
    )
    return GenerateCall(
        body.model,
        (request,),
        bool(body.stream),
        ttl_s=body.ttl,
        draft_model=body.draft_model or None,
        fields={CONVERSATION: "input"} | _effort_field(body) | switch_fields(body),
    )


def _refuse_unsupported(body: ResponseBody) -> None:
    refuse_unsupported(body)
    only(body.n, (None, 1), "n")
    only(body.max_tokens, (None,), "max_tokens")
    only(body.max_completion_tokens, (None,), "max_completion_tokens")
    only(body.background, (None, False), "background")
    for param in ("conversation", "prompt", "context_management"):
        only(getattr(body, param), (None,), param)
    if body.reasoning:
        only(body.reasoning.summary, (None, "auto"), "reasoning.summary")
        only(body.reasoning.generate_summary, (None, "auto"), "reasoning.generate_summary")
    if body.text:
        only(body.text.verbosity, (None, "medium"), "text.verbosity")


def _refuse_two_efforts(body: ResponseBody) -> None:
    if body.reasoning_effort is not None and _effort(body) != body.reasoning_effort:
        raise InvalidRequest("“reasoning_effort” says otherwise than “reasoning.effort”.", param="reasoning_effort")


def _items(body: ResponseBody, past: Past) -> Iterator[tuple[str, Item]]:
    """The items of the input with their paths, references replaced by what they refer to."""
    if isinstance(body.input, str):
        yield "input", MessageItem(role="user", content=body.input)
        return
    for index, fields in enumerate(body.input):
        path = f"input[{index}]"
        item: AnyItem = read(fields, path)
        if isinstance(item, Reference):
            item = read(past.item(item.id, f"{path}.id"), path)
        assert not isinstance(item, Reference)
        yield path, item


def _instructed(instructions: str | None, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation under `instructions`. Many templates take one system message only, and only as the first one."""
    if not instructions:
        return messages
    if messages and messages[0].role == "system" and isinstance(messages[0].content, str):
        return (Message("system", f"{instructions}\n\n{messages[0].content}"), *messages[1:])
    return (Message("system", instructions), *messages)


def _effort(body: ResponseBody) -> Effort | None:
    return body.reasoning.effort if body.reasoning and body.reasoning.effort else body.reasoning_effort


def _effort_field(body: ResponseBody) -> dict[str, str]:
    return {"reasoning_effort": "reasoning.effort"} if body.reasoning and body.reasoning.effort else {}


def _form(body: ResponseBody) -> Constraint | None:
    """What is to be enforced of the text. Raises InvalidRequest for two forms at once."""
    form, extension = body.text.constraint() if body.text else None, form_of(body, body.response_format)
    if form and extension:
        raise InvalidRequest(
            f"“{extension.param}” asks for another form than “text.format”: give one of them.", param=extension.param
        )
    return form or extension


def _overflow(body: ResponseBody) -> Overflow | None:
    """What becomes of a conversation that is too long. Raises InvalidRequest where that is said twice."""
    if body.truncation and body.context_overflow_policy:
        raise InvalidRequest(
            "“context_overflow_policy” says what “truncation” says: give one of them.", param="context_overflow_policy"
        )
    return body.context_overflow_policy or OVERFLOW[body.truncation]


def _wants_logprobs(body: ResponseBody) -> bool:
    return bool(body.top_logprobs) or "message.output_text.logprobs" in (body.include or ())


def _shown(body: ResponseBody, tools: Toolset) -> dict[str, Any]:
    """What the response repeats. What was left open and is never null is None here: the model that answers decides."""
    return {
        "instructions": body.instructions,
        "tools": tools.shown,
        "tool_choice": body.tool_choice or "auto",
        "truncation": truncation(policy) if (policy := _overflow(body)) else None,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "text": (body.text or TextOptions()).shown(),
        "top_p": body.top_p,
        "presence_penalty": body.presence_penalty,
        "frequency_penalty": body.frequency_penalty,
        "top_logprobs": body.top_logprobs or 0,
        "temperature": body.temperature,
        "reasoning": {"effort": _effort(body), "summary": None},
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "background": False,
        "service_tier": "default",
        "metadata": body.metadata or {},
        "safety_identifier": body.safety_identifier,
        "prompt_cache_key": body.prompt_cache_key,
        "user": body.user,
    }
