"""What the reasoning of a model can be set to, read off the source of its chat template.

Templates know it by variables: some names for a switch, of which `enable_thinking` is the most common one, and
`reasoning_effort`, which says how much (`text/switches.py` sets them). The limit: a template is looked at, not run, so
one that reaches these variables in roundabout ways is taken not to have them.
"""

import re

from lms.catalog.model import Reasoning

EFFORTS = ("low", "medium", "high")
_BLOCK = re.compile(r"\{[%{].*?[%}]\}", re.DOTALL)
# Read, not only set: one that a template keeps to itself is no switch. The short names are words elsewhere.
_SWITCH = re.compile(
    r"(?<![.\w])(?:enable_thinking|thinking_mode|thinking_option|thinking_budget)\b(?!\s*=[^=])"
    r"|\b(?:el)?if (?:not )?(?:thinking|reasoning)\b"
)
_EFFORT = re.compile(r"(?<![.\w])reasoning_effort\b")
_COMPARED = re.compile(r"==|\bin\s*\[")
_WORD = re.compile(r"[\"'](low|medium|high|xhigh)[\"']")
_NONE = re.compile(r"[\"'](none|no_think)[\"']")
_DEFAULT = re.compile(r"reasoning_effort\s*=[^=].*[\"'](low|medium|high|xhigh)[\"']", re.DOTALL)


def reasoning(chat_template: str) -> Reasoning | None:
    """None for a model that does not reason, or always as it likes."""
    blocks = _BLOCK.findall(chat_template)
    about_effort = [block for block in blocks if _EFFORT.search(block)]
    efforts, default = _efforts(about_effort)
    if any(_SWITCH.search(block) for block in blocks):
        return Reasoning(("off", *efforts, "on"), "on")
    off = ("off",) if any(_NONE.search(block) for block in about_effort) else ()
    return Reasoning((*off, *efforts), default) if efforts else None


def _efforts(blocks: list[str]) -> tuple[tuple[str, ...], str]:
    """The efforts that these blocks of a template take, and the one that they assume, else the middle one."""
    if not blocks:
        return (), ""
    assumed = next((found[1] for block in blocks if (found := _DEFAULT.search(block))), "")
    compared = [block for block in blocks if _COMPARED.search(block)]
    words = {word for block in compared for word in _WORD.findall(block)} | {assumed}
    efforts = tuple(effort for effort in (*EFFORTS, "xhigh") if effort in words) if compared else EFFORTS
    return efforts, assumed or (efforts[len(efforts) // 2] if efforts else "")
