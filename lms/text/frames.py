"""What a model is free to write around a constrained answer: reasoning before it, tool calls instead of it.

A frame is a Lark grammar in which `@answer` stands for the constraint, or empty when there is nothing around it.
"""

from lms.text.reasoning import Markers
from lms.text.toolcalls.layout import quoted

ANYTHING = "/(?s:.*)/"


def frame_around(reasoning: Markers | None, start: str = "", calls: str = "", *, inside_reasoning: bool = False) -> str:
    """Reasoning has to end before the answer begins. Whether there is any is for the model to choose, unless the
    prompt has opened it. `calls` are a family's rules for what follows its marker `start`."""
    if not reasoning and not calls:
        return ""
    content = f"{quoted(reasoning.content)} @answer" if reasoning else "@answer"
    either = f"({content} | {quoted(start)} calls)" if calls else content
    rules = [f"start: {_beginning(reasoning, inside_reasoning)} {either}"]
    if reasoning:
        rules.append(f"thought[suffix={quoted(reasoning.end)}]: {ANYTHING}")
    return "\n".join(rules) + "\n" + calls


def _beginning(reasoning: Markers | None, inside_reasoning: bool) -> str:
    if not reasoning:
        return ""
    thought = f"thought {reasoning.gap}"
    return thought if inside_reasoning else f"({quoted(reasoning.start)} {thought})?"
