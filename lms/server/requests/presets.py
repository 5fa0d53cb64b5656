"""What a preset says for a request that names it: whatever the request leaves open. The request always goes over it."""

from typing import Any, TypeVar

from msgspec.structs import replace

from lms.config.prediction import Prediction
from lms.config.presets import FORMS, Preset
from lms.generation.messages import Message
from lms.server.requests.reasoning import SWITCHES, ReasoningBody

P = TypeVar("P", bound=Prediction)
R = TypeVar("R", bound=ReasoningBody)

_BUDGETS = ("reasoning_budget", "thinking_budget", "max_reasoning_tokens")


def filled(asked: P, preset: Preset | None, *, formed: bool = False) -> P:
    """`asked`, with what it leaves open taken from `preset`.

    A form is one thing, whichever field asks for it. `formed`: one is asked for that no field of a preset stands for.
    """
    if preset is None:
        return asked
    open_ = {name for name in Prediction.__struct_fields__ if getattr(asked, name) is None}
    if formed or not open_.issuperset(FORMS):
        open_ -= set(FORMS)
    return replace(asked, **{name: getattr(preset, name) for name in open_})


def thinking(body: R, preset: Preset | None) -> R:
    """`body`, with what it leaves open of the reasoning taken from `preset`."""
    if preset is None:
        return body
    given: dict[str, Any] = {}
    if preset.reasoning and not _says_how_to_think(body):
        given |= {"enable_thinking": True} if preset.reasoning == "on" else {"reasoning_effort": _effort(preset)}
    if all(getattr(body, name) is None for name in _BUDGETS):
        given |= {"reasoning_budget": preset.reasoning_budget}
    return replace(body, **given)


def instructed(messages: tuple[Message, ...], preset: Preset | None) -> tuple[Message, ...]:
    """The conversation under the system prompt of `preset`, if it has none."""
    if preset is None or not preset.system_prompt or any(message.role == "system" for message in messages):
        return messages
    return (Message("system", preset.system_prompt), *messages)


def _says_how_to_think(body: ReasoningBody) -> bool:
    variables = body.chat_template_kwargs or {}
    return any(getattr(body, name) is not None or name in variables for name in SWITCHES)


def _effort(preset: Preset) -> str | None:
    return "none" if preset.reasoning == "off" else preset.reasoning
