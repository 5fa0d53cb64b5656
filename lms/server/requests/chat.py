"""The body of a chat completion."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lms.errors import Unsupported
from lms.generation.messages import Tool
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.server.requests.call import GenerateCall
from lms.server.requests.fields import NODES_LIMIT, NonEmpty, decode, only, portable
from lms.server.requests.messages import Messages, translated
from lms.server.requests.response_format import ResponseFormat, constraint_of
from lms.server.requests.sampling import GenerateBody, refuse_unsupported, sampling, stop_strings, token_limit


class FunctionSpec(msgspec.Struct, frozen=True):
    name: NonEmpty
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolSpec(msgspec.Struct, frozen=True):
    function: FunctionSpec
    type: Literal["function"] = "function"


class ChatBody(GenerateBody, frozen=True, kw_only=True):
    messages: Messages
    max_completion_tokens: Annotated[int, Meta(ge=-1, le=2**63 - 1)] | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    enable_thinking: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    functions: Any = None
    function_call: Any = None
    modalities: list[str] | None = None
    audio: Any = None
    prediction: Any = None
    web_search_options: Any = None
    verbosity: str | None = None


def parse(raw: bytes) -> GenerateCall:
    """The call that a chat body asks for. Raises InvalidRequest or Unsupported naming the field."""
    body = decode(raw, ChatBody)
    refuse_unsupported(body)
    _refuse_unsupported_in_chat(body)
    request = GenerateRequest(
        ChatPrompt(translated(body.messages), _tools(body), _template_variables(body)),
        sampling(body),
        _token_limit(body),
        stop_strings(body.stop),
        constraint=constraint_of(body.response_format),
    )
    return GenerateCall(
        body.model,
        (request,),
        bool(body.stream),
        body.include_usage(),
        body.ttl,
        draft_model=body.draft_model or None,
    )


def _refuse_unsupported_in_chat(body: ChatBody) -> None:
    only(body.logprobs, (None, False), "logprobs")
    only(body.top_logprobs, (None, 0), "top_logprobs")
    only(body.tool_choice, (None, "auto", "none"), "tool_choice")
    only(body.modalities, (None, [], ["text"]), "modalities")
    only(body.verbosity, (None, "medium"), "verbosity")
    only(body.function_call, (None, "none"), "function_call")
    for param in ("functions", "audio", "prediction", "web_search_options"):
        only(getattr(body, param), (None,), param)
    if body.tools and body.parallel_tool_calls is False:
        raise Unsupported(
            "“parallel_tool_calls” false is not supported: the model may make several.", param="parallel_tool_calls"
        )


def _token_limit(body: ChatBody) -> int | None:
    """`max_completion_tokens`, OpenAI's newer name, wins."""
    if body.max_completion_tokens is not None:
        return token_limit(body.max_completion_tokens, "max_completion_tokens")
    return token_limit(body.max_tokens)


def _tools(body: ChatBody) -> tuple[Tool, ...]:
    """What the model may call: nothing when `tool_choice` is "none"."""
    if body.tool_choice == "none":
        return ()
    specs = [spec.function for spec in body.tools or ()]
    left = NODES_LIMIT
    for index, spec in enumerate(specs):
        left -= portable(spec.parameters, f"tools[{index}].function.parameters", left)
    return tuple(Tool(spec.name, spec.description, spec.parameters) for spec in specs)


def _template_variables(body: ChatBody) -> dict[str, Any]:
    """Variables for the chat template; the switches for reasoning are two of them, under the names templates use."""
    switches = {"enable_thinking": body.enable_thinking, "reasoning_effort": body.reasoning_effort}
    if body.reasoning_effort is not None and body.enable_thinking is None:
        switches["enable_thinking"] = body.reasoning_effort != "none"
    given = body.chat_template_kwargs or {}
    portable(given, "chat_template_kwargs")
    return {name: value for name, value in switches.items() if value is not None} | given
