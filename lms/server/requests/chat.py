"""The body of a chat completion."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from lms.errors import InvalidRequest
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.server.requests.call import GenerateCall
from lms.server.requests.fields import decode, only, portable
from lms.server.requests.messages import Messages, translated
from lms.server.requests.response_format import form_of
from lms.server.requests.sampling import (
    MOST_LOGPROBS,
    GenerateBody,
    refuse_unsupported,
    sampling,
    several,
    stop_strings,
    token_limit,
)
from lms.server.requests.tools import ToolSpec, toolset

_Budget = Annotated[int, Meta(ge=-1, le=2**63 - 1)]


class ChatBody(GenerateBody, frozen=True, kw_only=True):
    """`reasoning_format` is llama-server's: "none" leaves reasoning in the text. `reasoning_budget` is llama-server's
    too, `thinking_budget` that of Qwen's API; −1 is no limit.
    """

    messages: Messages
    max_completion_tokens: Annotated[int, Meta(ge=-1, le=2**63 - 1)] | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    enable_thinking: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    reasoning_format: Literal["none", "auto", "deepseek"] | None = None
    reasoning_budget: _Budget | None = None
    thinking_budget: _Budget | None = None
    max_reasoning_tokens: _Budget | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | None = None
    functions: Any = None
    function_call: Any = None
    modalities: list[str] | None = None
    audio: Any = None
    prediction: Any = None
    web_search_options: Any = None
    verbosity: str | None = None


def parse(raw: bytes, *, separate_reasoning: bool = True) -> GenerateCall:
    """The call that a chat body asks for, one request an answer. Raises InvalidRequest or Unsupported naming the field.

    `separate_reasoning` counts where the body does not say whether reasoning is told from the answer.
    """
    body = decode(raw, ChatBody)
    refuse_unsupported(body)
    _refuse_unsupported_in_chat(body)
    tools, tool_choice = toolset(body.tools, body.tool_choice, body.parallel_tool_calls)
    request = GenerateRequest(
        ChatPrompt(translated(body.messages), tools, _template_variables(body)),
        sampling(body),
        _token_limit(body),
        stop_strings(body.stop),
        split_reasoning=separate_reasoning if body.reasoning_format is None else body.reasoning_format != "none",
        constraint=form_of(body),
        tool_choice=tool_choice,
        reasoning_budget=_reasoning_budget(body),
        logprobs=_logprobs(body),
        overflow=body.context_overflow_policy,
    )
    return GenerateCall(
        body.model,
        several(request, body.n),
        bool(body.stream),
        body.include_usage(),
        body.ttl,
        draft_model=body.draft_model or None,
        answers_each=body.n or 1,
    )


def _refuse_unsupported_in_chat(body: ChatBody) -> None:
    only(body.modalities, (None, [], ["text"]), "modalities")
    only(body.verbosity, (None, "medium"), "verbosity")
    only(body.function_call, (None, "none"), "function_call")
    for param in ("functions", "audio", "prediction", "web_search_options"):
        only(getattr(body, param), (None,), param)


def _token_limit(body: ChatBody) -> int | None:
    """`max_completion_tokens`, OpenAI's newer name, wins."""
    if body.max_completion_tokens is not None:
        return token_limit(body.max_completion_tokens, "max_completion_tokens")
    return token_limit(body.max_tokens)


def _logprobs(body: ChatBody) -> int | None:
    """How many likeliest tokens are told about beside each one of the answer; None: none is. Raises InvalidRequest."""
    if not body.logprobs and body.top_logprobs:
        raise InvalidRequest("“top_logprobs” needs “logprobs” to be true.", param="top_logprobs")
    return (body.top_logprobs or 0) if body.logprobs else None


def _reasoning_budget(body: ChatBody) -> int | None:
    """Under whichever of its names it was given. Raises InvalidRequest for two that contradict each other."""
    names = ("reasoning_budget", "thinking_budget", "max_reasoning_tokens")
    given = [(name, getattr(body, name)) for name in names if getattr(body, name) is not None]
    if len({budget for _, budget in given}) > 1:
        raise InvalidRequest(f"“{given[1][0]}” says otherwise than “{given[0][0]}”.", param=given[1][0])
    return given[0][1] if given and given[0][1] >= 0 else None


def _template_variables(body: ChatBody) -> dict[str, Any]:
    """Variables for the chat template; the switches for reasoning are two of them, under the names templates use."""
    switches = {"enable_thinking": body.enable_thinking, "reasoning_effort": body.reasoning_effort}
    if body.reasoning_effort is not None and body.enable_thinking is None:
        switches["enable_thinking"] = body.reasoning_effort != "none"
    given = body.chat_template_kwargs or {}
    portable(given, "chat_template_kwargs")
    return {name: value for name, value in switches.items() if value is not None} | given
