"""The bodies of `POST /v1/messages` and `/v1/messages/count_tokens`.

Fields: https://docs.anthropic.com/en/api/messages. Unknown keys are ignored, as betas add many. So is what is about
Anthropic's own service (`metadata`, `service_tier`, `inference_geo`, `speed`, `cache_control`), and
`context_management`: Claude Code sends it, and gets an answer to the whole conversation, unless
`context_overflow_policy`, which all our endpoints have, says otherwise.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lms.errors import InvalidRequest
from lms.generation.constraint import Constraint, JsonSchema
from lms.generation.request import ChatPrompt, GenerateRequest, Overflow, ReadRequest, Sampling
from lms.server.anthropic.blocks import AssistantTurn, System, Turn
from lms.server.anthropic.conversation import conversation
from lms.server.anthropic.tools import AnyChoice, ToolSpec, toolset
from lms.server.requests.call import GenerateCall, PlainCall
from lms.server.requests.fields import Body, PositiveInt, decode, only, portable
from lms.server.requests.sampling import warmth
from lms.server.requests.tools import Toolset

Share = Annotated[float, Meta(ge=0, le=1)]
# Where the switches for reasoning stand.
_FIELDS = {"enable_thinking": "thinking", "reasoning_effort": "output_config.effort"}
StopSequence = Annotated[str, Meta(min_length=1, max_length=1024)]


class _Thinking(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all ways to think. Omitted thoughts are still thought: the block is there, without its text."""

    display: Literal["summarized", "omitted"] | None = None


class ThinkingEnabled(_Thinking, frozen=True, kw_only=True, tag="enabled"):
    budget_tokens: PositiveInt


class ThinkingAdaptive(_Thinking, frozen=True, tag="adaptive"):
    """As much as the model finds right."""


class ThinkingDisabled(_Thinking, frozen=True, tag="disabled"):
    """None at all."""


Thinking = ThinkingEnabled | ThinkingAdaptive | ThinkingDisabled


class SchemaFormat(msgspec.Struct, frozen=True):
    schema: dict[str, Any]
    type: Literal["json_schema"] = "json_schema"


class OutputConfig(msgspec.Struct, frozen=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: SchemaFormat | None = None


class CountBody(Body, frozen=True, kw_only=True):
    """What decides on the prompt."""

    messages: Annotated[list[Turn], Meta(min_length=1)]
    system: System | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: AnyChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    mcp_servers: list[Any] | None = None
    container: Any = None


class MessagesBody(CountBody, frozen=True, kw_only=True):
    max_tokens: PositiveInt
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    stop_sequences: Annotated[list[StopSequence], Meta(max_length=16)] | None = None
    stream: bool | None = None
    output_format: SchemaFormat | None = None
    context_overflow_policy: Overflow | None = None


def parse(raw: bytes) -> tuple[GenerateCall, bool]:
    """The call that a Messages body asks for, and whether thoughts are to be shown. Raises InvalidRequest or
    Unsupported naming the field."""
    body = decode(raw, MessagesBody)
    _check_end(body.messages)
    tools = toolset(body.tools, body.tool_choice)
    request = GenerateRequest(
        _prompt(body, tools),
        Sampling(temperature=warmth(body.temperature), top_p=body.top_p, top_k=body.top_k),
        body.max_tokens,
        tuple(body.stop_sequences or ()),
        constraint=_constraint(body),
        tool_choice=tools.choice,
        reasoning_budget=_thinking_budget(body),
        overflow=body.context_overflow_policy,
    )
    shows_thinking = body.thinking is None or body.thinking.display != "omitted"
    return GenerateCall(body.model, (request,), bool(body.stream), ttl_s=body.ttl, fields=_FIELDS), shows_thinking


def parse_count(raw: bytes) -> PlainCall:
    """The prompt that is to be counted. Raises as `parse` does."""
    body = decode(raw, CountBody)
    prompt = _prompt(body, toolset(body.tools, body.tool_choice))
    return PlainCall(body.model, ReadRequest(prompt), "llm", body.ttl, fields=_FIELDS)


def _check_end(turns: Sequence[Turn]) -> None:
    if isinstance(turns[-1], AssistantTurn):
        raise InvalidRequest(
            "“messages” ends with an answer, which this server cannot continue.",
            hint="End it with a user message.",
            param="messages",
        )


def _prompt(body: CountBody, tools: Toolset) -> ChatPrompt:
    only(body.mcp_servers, (None, []), "mcp_servers")
    only(body.container, (None,), "container")
    return ChatPrompt(conversation(body.system, body.messages), tools.tools, _template_variables(body))


def _template_variables(body: CountBody) -> dict[str, Any]:
    """The switches for reasoning, under the names that templates use. Left open, the model does as it was made to."""
    switches: dict[str, Any] = {}
    if body.thinking is not None:
        switches["enable_thinking"] = not isinstance(body.thinking, ThinkingDisabled)
    if body.output_config is not None and body.output_config.effort is not None:
        switches["reasoning_effort"] = body.output_config.effort
    return switches


def _constraint(body: MessagesBody) -> Constraint | None:
    """What the answer has to look like; `output_format` was the field's name in the beta."""
    if body.output_config is not None and body.output_config.format is not None:
        return _enforced(body.output_config.format, "output_config.format.schema")
    return _enforced(body.output_format, "output_format.schema") if body.output_format is not None else None


def _enforced(wanted: SchemaFormat, param: str) -> Constraint:
    portable(wanted.schema, param)
    return JsonSchema(wanted.schema, param)


def _thinking_budget(body: MessagesBody) -> int | None:
    if not isinstance(body.thinking, ThinkingEnabled):
        return None
    if body.thinking.budget_tokens >= body.max_tokens:
        raise InvalidRequest(
            "“thinking.budget_tokens” must be less than “max_tokens”: an answer comes after the thoughts.",
            param="thinking.budget_tokens",
        )
    return body.thinking.budget_tokens
