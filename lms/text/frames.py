"""What answers that are held to a form may look like: reasoning first, calls of functions, and text.

A frame is a Lark grammar in which `@answer` stands for a constraint, or empty when there is nothing around it. The
`calls` of all functions here are a family's rules for what follows its marker `start`.
"""

import re
from collections.abc import Sequence

from lms.text.reasoning import Markers
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.layout import quoted

ANYTHING = "(?s:.*)"


def frame_around(reasoning: Markers | None, start: str = "", calls: str = "", *, inside_reasoning: bool = False) -> str:
    """Reasoning has to end before the answer begins, or calls instead of it if there are any. Whether there is any
    reasoning is for the model to choose, unless the prompt has opened it."""
    if not reasoning and not calls:
        return ""
    content = f"{quoted(reasoning.content)} @answer" if reasoning else "@answer"
    either = f"({content} | {quoted(start)} calls)" if calls else content
    rules = [f"start: {_beginning(reasoning, inside_reasoning)} {either}"]
    if reasoning:
        rules.append(f"thought[suffix={quoted(reasoning.end)}]: /{ANYTHING}/")
    return "\n".join(rules) + "\n" + calls


def nothing_but(start: str, calls: str) -> str:
    """A grammar of answers that are calls."""
    return f"start: {quoted(start)} calls\n{calls}"


def any_text_with(family: Family, calls: str, *, parallel: bool) -> str:
    """A grammar of answers in which the family's marker begins calls, wherever it stands, and all else is free but for
    the other markers that calls may begin with."""
    if not family.starts:
        return f"start: {quoted(family.start)} calls | REST?\nREST: {_text_without((), family.leading)}\n{calls}"
    rules = [
        "start: (free calls)* REST?" if parallel else "start: free calls | REST?",
        f"free[suffix={quoted(family.start)}]: {_text_without(family.starts[1:], family.leading)}",
        f"REST: {_text_without(family.starts, family.leading)}",
    ]
    return "\n".join(rules) + "\n" + calls


def _text_without(markers: Sequence[str], leading: Sequence[str]) -> str:
    """Any text in which no marker stands, and with which none of the `leading` ones begins."""
    text = f"/{ANYTHING}/"
    if markers:
        text += f" & ~/{ANYTHING}({'|'.join(map(_escaped, markers))}){ANYTHING}/"
    if leading:
        text += f" & ~/\\s*({'|'.join(map(_escaped, leading))}){ANYTHING}/"
    return text


def _beginning(reasoning: Markers | None, inside_reasoning: bool) -> str:
    if not reasoning:
        return ""
    thought = f"thought {reasoning.gap}"
    return thought if inside_reasoning else f"({quoted(reasoning.start)} {thought})?"


def _escaped(text: str) -> str:
    """A regular expression for `text`, between slashes."""
    return re.sub(r"[\\.+*?()|\[\]{}^$#&\-~/]", r"\\\g<0>", text)
