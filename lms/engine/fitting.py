"""Prompts of one model, cut to what its context has room for where that is allowed (`overflow.py` says how)."""

from collections.abc import Callable
from collections.abc import Sequence as Tokens
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from lms.engine.model import Vocabulary
from lms.engine.overflow import Window, cut, cuts, head, room_for_prompt, shortened
from lms.engine.prefix import common_prefix
from lms.errors import InvalidRequest
from lms.generation.messages import Message
from lms.generation.request import ChatPrompt, GenerateRequest, InfillPrompt, Overflow, Prompt, TokenPrompt

if TYPE_CHECKING:
    from lms.engine.prompts import Seen


@dataclass(frozen=True)
class Fitted:
    """A prompt as far as it is to be read, and how many of its tokens are left out. With a `window` the answer may
    outgrow the context."""

    seen: "Seen"
    truncated_tokens: int = 0
    window: Window | None = None


class Fitting:
    """`read` is how the model sees a prompt; it may refuse one that is too long."""

    def __init__(self, vocabulary: Vocabulary, context_length: int, read: Callable[[Prompt], "Seen"]) -> None:
        self._vocabulary = vocabulary
        self._context_length = context_length
        self._read = read

    @cached_property
    def opening(self) -> list[int]:
        """The tokens that the model wants before any text."""
        around = self._vocabulary.tokenize("", add_special=True)
        return [token for token in around if not self._vocabulary.is_end(token)]

    def fit(self, request: GenerateRequest) -> Fitted:
        """The prompt of `request`, cut as it says. One that may not be cut, or cannot, may still be too long.

        Raises what reading the prompt raises.
        """
        prompt, policy = request.prompt, request.overflow or "refuse"
        if not cuts(policy) or request.echo or isinstance(prompt, InfillPrompt):
            return Fitted(self._read(prompt))
        room = room_for_prompt(self._context_length, request.max_tokens)
        seen, length = self._cut(prompt, policy, room)
        kept = min(self._kept(prompt, seen.tokens, policy), self._context_length // 2)
        window = None if seen.pictures else Window(self._context_length, kept)
        return Fitted(seen, length - len(seen.tokens), window)

    def _cut_tokens(self, prompt: TokenPrompt, policy: Overflow, room: int) -> tuple["Seen", int]:
        tokens = list(prompt.tokens)
        if len(tokens) >= self._context_length:
            tokens = cut(tokens, self._kept(prompt, tokens, policy), room)
        return self._read(TokenPrompt(tuple(tokens))), len(prompt.tokens)

    def _cut(self, prompt: Prompt, policy: Overflow, room: int) -> tuple["Seen", int]:
        """What of the prompt has room, by whole turns if that is enough, and how long it was. Pictures stay whole."""
        if isinstance(prompt, TokenPrompt):
            return self._cut_tokens(prompt, policy, room)
        seen = self._read(prompt)
        length = len(seen.tokens)
        if length < self._context_length:
            return seen, length
        if isinstance(prompt, ChatPrompt):
            seen = self._without_turns(prompt, policy, room)
        if len(seen.tokens) > room and not seen.pictures:
            tokens = cut(seen.tokens, self._kept(prompt, seen.tokens, policy), room)
            seen = replace(seen, tokens=tokens, text=spelled(self._vocabulary, tokens))
        return seen, length

    def _without_turns(self, prompt: ChatPrompt, policy: Overflow, room: int) -> "Seen":
        def read(messages: tuple[Message, ...]) -> "Seen":
            return self._read(msgspec.structs.replace(prompt, messages=messages))

        return read(shortened(prompt.messages, policy, lambda messages: len(read(messages).tokens) <= room))

    def _kept(self, prompt: Prompt, tokens: list[int], policy: Overflow) -> int:
        """How many tokens at the beginning stay whatever is left out: of a conversation those of its head."""
        begins = self.opening
        if isinstance(prompt, ChatPrompt):
            with suppress(InvalidRequest):  # templates may refuse a head without the rest
                begins = self._read(msgspec.structs.replace(prompt, messages=head(prompt.messages, policy))).tokens
        elif policy == "truncateMiddle":
            return len(tokens) // 2
        return common_prefix(begins, tokens)


def spelled(vocabulary: Vocabulary, tokens: Tokens[int]) -> str:
    """The text of a prompt of these tokens, control tokens by their names."""
    return b"".join(map(vocabulary.spelling, tokens)).decode(errors="replace")
