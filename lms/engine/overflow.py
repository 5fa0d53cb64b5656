"""What becomes of a conversation that is longer than the context: LM Studio's policies. Pure.

Policies: https://lmstudio.ai/docs/typescript/api-reference/llm-prediction-config-input. `truncateMiddle` keeps the
system messages and the first turn, `rollingWindow` the system messages; of the rest, what was said last. Whole turns go
where that is enough, tokens otherwise. Of a text without turns, a middle or the beginning goes.

The prompt is cut before it is read. An answer that reaches the end of the context goes on without the older half of
what may go, and the other half is read anew: llama.cpp could shift what memory holds instead, but that was made in view
of what is left out, and others who begin with the same text must not find it.

The limits: pictures go with their turns only, and an answer to one ends with the context; what is refused at a glance
(`prompts.LARGE_TEXT_CHARACTERS`) is not cut.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from itertools import pairwise, takewhile

from lms.generation.messages import Message
from lms.generation.request import Overflow

# This part of the context is left to the answer, if it may be that long, when a prompt is cut.
ANSWERS_PART = 4


@dataclass(frozen=True)
class Window:
    """A sequence of more than `length` tokens goes on without its middle; the first `kept` tokens stay."""

    length: int
    kept: int

    def without_middle(self, tokens: list[int]) -> list[int]:
        """The tokens that stay, and the newer half of those that fit beside them."""
        newer = max(1, (self.length - self.kept) // 2)
        return tokens[: self.kept] + tokens[-newer:]


def cuts(policy: Overflow) -> bool:
    """Whether anything is ever left out."""
    return policy in ("truncateMiddle", "rollingWindow")


def room_for_prompt(context_length: int, max_tokens: int | None) -> int:
    """How many tokens a prompt that has to be cut is cut to."""
    part = context_length // ANSWERS_PART
    return context_length - max(1, part if max_tokens is None else min(part, max_tokens))


def head(messages: Tokens[Message], policy: Overflow) -> tuple[Message, ...]:
    """The messages that stay."""
    system, turns = _turns(messages)
    return system + (turns[0] if policy == "truncateMiddle" and turns else ())


def shortened(
    messages: Tokens[Message], policy: Overflow, fits: Callable[[tuple[Message, ...]], bool]
) -> tuple[Message, ...]:
    """The conversation without as many turns as it takes to fit; without all that may go if it does not fit even so.

    The last turn stays.
    """
    system, turns = _turns(messages)
    first = 1 if policy == "truncateMiddle" else 0
    candidates = [_joined(system, turns[:first] + turns[left:]) for left in range(first, max(len(turns), first + 1))]
    return candidates[min(bisect_left(candidates, True, key=fits), len(candidates) - 1)]


def cut(tokens: list[int], kept: int, room: int) -> list[int]:
    """The first `kept` of the tokens, but no more than half of the room, and the last ones that there is room for."""
    kept = min(kept, room // 2)
    return tokens[:kept] + tokens[len(tokens) - (room - kept) :]


def _turns(messages: Tokens[Message]) -> tuple[tuple[Message, ...], list[tuple[Message, ...]]]:
    """The system messages at the beginning, and the turns: what a user says with all that follows from it."""
    system = tuple(takewhile(lambda message: message.role == "system", messages))
    return system, list(_split(messages[len(system) :]))


def _split(messages: Tokens[Message]) -> Iterator[tuple[Message, ...]]:
    starts = [place for place, message in enumerate(messages) if place == 0 or message.role == "user"]
    for start, end in pairwise([*starts, len(messages)]):
        yield tuple(messages[start:end])


def _joined(system: tuple[Message, ...], turns: list[tuple[Message, ...]]) -> tuple[Message, ...]:
    return system + tuple(message for turn in turns for message in turn)
