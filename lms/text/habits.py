"""What a chat template wants of a conversation beyond what all of them agree on: found out by trying it.

Some templates refuse a system message, more than one call in a message, or ids that are not of nine letters; worse,
some leave out in silence what does not come as they expect it: the calls of a message that has text as well, or whose
text is empty instead of null. So a model is shown small conversations when it is loaded, in one form after the other,
and the first form of which the most can be read in the prompt is the one that it gets (see `adapted`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lms.errors import LmsError
from lms.generation.messages import Message, Tool, ToolCall


@dataclass(frozen=True)
class Habits:
    """Each says how a template departs from the form of the OpenAI API."""

    no_tools_is_empty: bool = False
    """It walks over the tools even when there are none."""
    in_parts: bool = False
    """What a message says is a list of parts, as templates of models that see have it, and never a text."""
    system_first: bool = False
    """It has a place for what the system says at the beginning only: later on, the user says it."""
    no_system: bool = False
    """It has no place for what the system says: that goes before what the user says first."""
    tools_in_system: bool = False
    """It reads the tools off the system message, as a text."""
    no_calls: bool = False
    """It leaves out calls: they go into the text of their message, as the model writes them."""
    null_content: bool = False
    """A message that holds nothing but calls has the text null."""
    short_ids: bool = False
    """The ids of calls are nine letters or digits."""
    one_call: bool = False
    """A message holds one call."""
    calls_apart: bool = False
    """A message with calls has no text."""


# What a template prints of some messages. Raises LmsError where it fails.
Render = Callable[[tuple[Message, ...], tuple[Tool, ...], Habits], str]


@dataclass(frozen=True)
class _Trial:
    """Words that ought to be found in the prompt for `messages`, and what may help if they are not."""

    messages: tuple[Message, ...]
    words: tuple[str, ...]
    remedies: tuple[dict[str, Any], ...]
    tools: tuple[Tool, ...] = ()


_TOOL = Tool("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]})
_USER = Message("user", "question")
_ANSWER = Message("assistant", "answer")
_SYSTEM = Message("system", "instruction")
_REMINDER = Message("system", "reminder")
_FIRST = ToolCall("call_0123456789abcdef", "look", '{"at": "first-thing"}')
_SECOND = ToolCall("call_fedcba9876543210", "look", '{"at": "second-thing"}')
_SAW_FIRST = Message("tool", "first-sight", tool_call_id=_FIRST.id, name="look")
_SAW_SECOND = Message("tool", "second-sight", tool_call_id=_SECOND.id, name="look")


def _calling(*turn: Message) -> tuple[Message, ...]:
    return (_USER, *turn, _ANSWER, _USER)


TRIALS = (
    _Trial((_USER,), ("question",), ({"no_tools_is_empty": True}, {"in_parts": True})),
    _Trial((_USER,), ("question", "look"), ({"tools_in_system": True},), (_TOOL,)),
    _Trial((_SYSTEM, _USER), ("instruction",), ({"no_system": True},)),
    _Trial(
        (_SYSTEM, _USER, _REMINDER, _ANSWER, _USER),
        ("instruction", "question", "reminder"),
        ({"system_first": True},),
    ),
    _Trial(
        _calling(Message("assistant", tool_calls=(_FIRST,)), _SAW_FIRST),
        ("first-thing", "first-sight"),
        (
            {"short_ids": True},
            {"null_content": True},
            {"no_calls": True},
        ),
        (_TOOL,),
    ),
    _Trial(
        _calling(Message("assistant", tool_calls=(_FIRST, _SECOND)), _SAW_FIRST, _SAW_SECOND),
        ("first-thing", "second-thing", "first-sight", "second-sight"),
        ({"one_call": True},),
        (_TOOL,),
    ),
    _Trial(
        _calling(Message("assistant", "remark", tool_calls=(_FIRST,), reasoning="thought"), _SAW_FIRST),
        ("first-thing", "first-sight", "remark"),
        ({"calls_apart": True},),
        (_TOOL,),
    ),
)


def habits_of(render: Render) -> Habits:
    """What the template behind `render` wants, by what it prints."""
    habits = Habits()
    for trial in TRIALS:
        habits = _best(trial, habits, render)
    return habits


def _best(trial: _Trial, habits: Habits, render: Render) -> Habits:
    """`habits`, with the first remedy that shows the most where they do not show all."""
    best, most = habits, _shown(trial, habits, render)
    for remedy in trial.remedies:
        if most == len(trial.words):
            break
        other = replace(habits, **remedy)
        shown = _shown(trial, other, render)
        if shown > most:
            best, most = other, shown
    return best


def _shown(trial: _Trial, habits: Habits, render: Render) -> int:
    try:
        text = render(trial.messages, trial.tools, habits)
    except LmsError:
        return -1
    return sum(word in text for word in trial.words)
