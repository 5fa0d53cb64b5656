"""What a model is free to write around a constrained answer: reasoning before it, tool calls instead of it.

A frame is a Lark grammar in which `@answer` stands for the constraint, or empty when there is nothing around it.
The limit: what a tool call looks like is not constrained, and after one the model may write anything.
"""

import json

from lms.text.reasoning import Markers
from lms.text.toolcalls.family import Family

ANYTHING = "/(?s:.*)/"


def frame_around(reasoning: Markers | None, calls: Family | None, *, inside_reasoning: bool = False) -> str:
    """Reasoning has to end before the answer begins. Whether there is any is for the model to choose, unless the
    prompt has opened it."""
    if not reasoning and not calls:
        return ""
    rules = [f"start: {_beginning(reasoning, inside_reasoning)} {'(@answer | call)' if calls else '@answer'}"]
    if reasoning:
        rules.append(f"thought[suffix={_quoted(reasoning.end)}]: {ANYTHING}")
        rules.append(r"GAP: /[ \n]{1,3}/")
    if calls:
        rules.append(f"call: {_quoted(calls.start)} {ANYTHING}")
    return "\n".join(rules) + "\n"


def _beginning(reasoning: Markers | None, inside_reasoning: bool) -> str:
    if not reasoning:
        return ""
    return "thought GAP?" if inside_reasoning else f"({_quoted(reasoning.start)} thought GAP?)?"


def _quoted(marker: str) -> str:
    return json.dumps(marker, ensure_ascii=False)
