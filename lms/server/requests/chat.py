"""The body of a chat completion."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from lms.config.prediction import TokenCount
from lms.config.presets import Preset, Presets
from lms.errors import InvalidRequest
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.server.requests.call import GenerateCall
from lms.server.requests.fields import decode, only
from lms.server.requests.messages import Messages, translated
from lms.server.requests.presets import filled, instructed, thinking
from lms.server.requests.reasoning import ReasoningBody, reasoning_budget, switch_fields, template_variables
from lms.server.requests.response_format import form_of
from lms.server.requests.sampling import (
    MOST_LOGPROBS,
    newer_token_limit,
    refuse_unsupported,
    sampling,
    several,
    stop_strings,
)
from lms.server.requests.tools import ToolSpec, toolset


class ChatBody(ReasoningBody, frozen=True, kw_only=True):
    """`reasoning_format` is llama-server's: "none" leaves reasoning in the text. So is `return_progress`: streams say
    how far the prompt is. `echo` and `suffix` are for texts.
    """

    messages: Messages
    max_completion_tokens: TokenCount | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reasoning_format: Literal["none", "auto", "deepseek"] | None = None
    return_progress: bool | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | None = None
    functions: Any = None
    function_call: Any = None
    modalities: list[str] | None = None
    audio: Any = None
    prediction: Any = None
    web_search_options: Any = None
    verbosity: str | None = None
    echo: bool | None = None
    suffix: str | None = None


def parse(raw: bytes, presets: Presets, *, separate_reasoning: bool = True) -> GenerateCall:
    """The call that a chat body asks for, one request an answer. Raises InvalidRequest or Unsupported naming the field,
    and as `Presets.named` does.

    `separate_reasoning` counts where the body does not say whether reasoning is told from the answer.
    """
    body = decode(raw, ChatBody)
    refuse_unsupported(body)
    _refuse_unsupported_in_chat(body)
    preset = presets.named(body.preset)
    body = _filled(body, preset)
    tools, tool_choice = toolset(body.tools, body.tool_choice, body.parallel_tool_calls)
    messages = instructed(translated(body.messages), preset)
    request = GenerateRequest(
        ChatPrompt(messages, tools, template_variables(body, body.reasoning_effort)),
        sampling(body),
        newer_token_limit(body.max_completion_tokens, body.max_tokens),
        stop_strings(body.stop),
        split_reasoning=separate_reasoning if body.reasoning_format is None else body.reasoning_format != "none",
        constraint=form_of(body, body.response_format),
        tool_choice=tool_choice,
        reasoning_budget=reasoning_budget(body),
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
        fields=switch_fields(body),
        progress=bool(body.return_progress),
    )


def _filled(body: ChatBody, preset: Preset | None) -> ChatBody:
    return thinking(filled(body, preset, formed=body.response_format is not None), preset)


def _refuse_unsupported_in_chat(body: ChatBody) -> None:
    only(body.modalities, (None, [], ["text"]), "modalities")
    only(body.verbosity, (None, "medium"), "verbosity")
    only(body.function_call, (None, "none"), "function_call")
    only(body.echo, (None, False), "echo", elsewhere="/v1/completions")
    only(body.suffix, (None, ""), "suffix", elsewhere="/v1/completions")
    for param in ("functions", "audio", "prediction", "web_search_options"):
        only(getattr(body, param), (None,), param)


def _logprobs(body: ChatBody) -> int | None:
    """How many likeliest tokens are told about beside each one of the answer; None: none is. Raises InvalidRequest."""
    if not body.logprobs and body.top_logprobs:
        raise InvalidRequest("“top_logprobs” needs “logprobs” to be true.", param="top_logprobs")
    return (body.top_logprobs or 0) if body.logprobs else None
