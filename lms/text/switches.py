"""Switching a model's reasoning, under the names and in the words that its chat template has for that.

Requests say `enable_thinking`, which is Qwen's name and most others', and `reasoning_effort`, which is OpenAI's. The
names and words below were read off the templates of the models that stand beside them.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from lms.errors import Unsupported

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

SWITCHES: dict[str, Callable[[bool], Any]] = {
    "thinking": lambda on: on,  # DeepSeek V3.1 to V4, Kimi K3, Granite 3
    "reasoning": lambda on: on,  # Command A
    "thinking_mode": lambda on: "enabled" if on else "disabled",  # MiniMax M3
    "thinking_option": lambda on: "on" if on else "off",  # Ling 3
    "thinking_budget": lambda on: -1 if on else 0,  # Seed-OSS, where −1 is no limit
}

# What stands in the source of a template, and its words for each of EFFORTS; none where the model cannot do that.
WORDS: tuple[tuple[str, tuple[str | None, ...]], ...] = (
    ("no_think'", ("no_think", "low", "low", "high", "high", "high", "high")),  # Hunyuan 3
    ("<|channel|>", (None, "low", "low", "medium", "high", "high", "high")),  # gpt-oss
)
THINKING_EFFORTS = (None, "low", "low", "high", "high", "max", "max")  # Kimi K3


def switched(variables: Mapping[str, Any], names: Collection[str], source: str) -> dict[str, Any]:
    """`variables`, and what they say under the other `names` that the template with this `source` looks at.

    Those that are there already stay. Raises Unsupported where no reasoning is wanted of a model that always reasons.
    """
    on, effort = variables.get("enable_thinking"), variables.get("reasoning_effort")
    words = next((words for mark, words in WORDS if mark in source), EFFORTS)
    if words[0] is None and (on is False or effort == "none"):
        raise Unsupported(
            "This model always reasons.",
            hint="Ask for the effort “low”, or leave it out.",
            param="reasoning_effort" if effort == "none" else "enable_thinking",
        )
    found: dict[str, Any] = {}
    if isinstance(on, bool):
        found = {name: value(on) for name, value in SWITCHES.items()}
    if effort in EFFORTS:
        found["thinking_effort"] = THINKING_EFFORTS[EFFORTS.index(effort)]
    others = {name: value for name, value in found.items() if name in names and value is not None}
    if effort in EFFORTS and "reasoning_effort" in names:
        return {**others, **variables, "reasoning_effort": words[EFFORTS.index(effort)]}
    return {**others, **variables}
