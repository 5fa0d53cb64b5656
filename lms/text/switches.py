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
    found: dict[str, Any] = {}
    if isinstance(on, bool):
        found = {name: value(on) for name, value in SWITCHES.items()}
    if effort in EFFORTS:
        found["thinking_effort"] = THINKING_EFFORTS[EFFORTS.index(effort)]
    others = {name: value for name, value in found.items() if name in names and value is not None}
    return {**others, **variables, **_in_its_words(effort, names, source)}


def _in_its_words(effort: object, names: Collection[str], source: str) -> dict[str, str]:
    """`reasoning_effort` as the template knows it: the nearest where it knows fewer, itself where it takes any."""
    words = next((words for mark, words in WORDS if mark in source), EFFORTS)
    if effort not in EFFORTS or "reasoning_effort" not in names:
        return {}
    word = words[EFFORTS.index(effort)]
    if word is None:
        raise Unsupported(
            f"This model always reasons, and cannot do so with effort “{effort}”.",
            hint="Ask for “low”, or leave it out.",
            param="reasoning_effort",
        )
    return {"reasoning_effort": word}
