"""How a model is to think, as every body says it that holds a conversation."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from lms.errors import InvalidRequest
from lms.server.requests.fields import portable
from lms.server.requests.sampling import GenerateBody

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
SWITCHES = ("enable_thinking", "reasoning_effort")
_Budget = Annotated[int, Meta(ge=-1, le=2**63 - 1)]


class ReasoningBody(GenerateBody, frozen=True, kw_only=True):
    """`reasoning_budget` is llama-server's name, `thinking_budget` that of Qwen's API; −1 is no limit."""

    chat_template_kwargs: dict[str, Any] | None = None
    enable_thinking: bool | None = None
    reasoning_effort: Effort | None = None
    reasoning_budget: _Budget | None = None
    thinking_budget: _Budget | None = None
    max_reasoning_tokens: _Budget | None = None


def reasoning_budget(body: ReasoningBody) -> int | None:
    """Under whichever of its names it was given. Raises InvalidRequest for two that contradict each other."""
    names = ("reasoning_budget", "thinking_budget", "max_reasoning_tokens")
    given = [(name, getattr(body, name)) for name in names if getattr(body, name) is not None]
    if len({budget for _, budget in given}) > 1:
        raise InvalidRequest(f"“{given[1][0]}” says otherwise than “{given[0][0]}”.", param=given[1][0])
    return budget(given[0][1]) if given else None


def budget(tokens: int | None) -> int | None:
    """None and −1 mean no limit."""
    return tokens if tokens is not None and tokens >= 0 else None


def switch_fields(body: ReasoningBody) -> dict[str, str]:
    """Where the switches for reasoning stand, if it is not in fields of their own."""
    return {name: f"chat_template_kwargs.{name}" for name in SWITCHES if name in (body.chat_template_kwargs or {})}


def template_variables(body: ReasoningBody, effort: Effort | None) -> dict[str, Any]:
    """Variables for the chat template; the switches for reasoning are two of them, under the names templates use.

    Raises InvalidRequest for switches that contradict each other.
    """
    if body.enable_thinking and effort == "none":
        raise InvalidRequest("“enable_thinking” is true, and no effort is to be made.", param="enable_thinking")
    switches = {"enable_thinking": body.enable_thinking, "reasoning_effort": effort}
    if effort is not None and body.enable_thinking is None:
        switches["enable_thinking"] = effort != "none"
    given = body.chat_template_kwargs or {}
    portable(given, "chat_template_kwargs")
    return {name: value for name, value in switches.items() if value is not None} | given
