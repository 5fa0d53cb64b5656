"""Examples as values: a conversation with the answer that is right for it, or a raw text.

Messages are plain dictionaries in the form of OpenAI's chat API, because the chat template reads that form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]


class Split(Enum):
    """Which side of the held-out border an example is drawn from; no wording and no value is on both."""

    TRAINING = auto()
    HELD_OUT = auto()


@dataclass(frozen=True)
class Dialogue:
    """A conversation up to and including the user's last turn, and the answer expected to it."""

    messages: tuple[Message, ...]
    answer: Message
    tools: tuple[Message, ...] = ()

    def after(self, *earlier: Message) -> "Dialogue":
        """The same dialogue with messages put before it."""
        return Dialogue((*earlier, *self.messages), self.answer, self.tools)


@dataclass(frozen=True)
class RawText:
    """A text without any template: `prompt` and the `continuation` expected after it."""

    prompt: str
    continuation: str


Example: TypeAlias = Dialogue | RawText
Skill: TypeAlias = Callable[[Random, Split], Example]


def system(content: str) -> Message:
    """A system message."""
    return {"role": "system", "content": content}


def user(content: str) -> Message:
    """A user message."""
    return {"role": "user", "content": content}


def assistant(content: str) -> Message:
    """An assistant message."""
    return {"role": "assistant", "content": content}


def question(asked: str, answered: str) -> Dialogue:
    """A dialogue of one turn."""
    return Dialogue((user(asked),), assistant(answered))
