"""How likely tokens were, in the two shapes that OpenAI has for it: one for chats, one for texts. Pure.

Shapes: https://platform.openai.com/docs/api-reference/chat/object and …/completions/object
"""

import codecs
from collections.abc import Iterable, Sequence
from typing import Any

from lms.generation.events import Alternative, TokenLogprob


def of_chat(tokens: Sequence[TokenLogprob]) -> dict[str, Any] | None:
    """`logprobs` of a choice of a chat; None where nothing was asked for, or nothing said."""
    entries = chat_entries(tokens)
    return {"content": entries, "refusal": None} if entries else None


def chat_entries(tokens: Iterable[TokenLogprob]) -> list[dict[str, Any]]:
    """An entry for each token that is text. The end of the answer is none."""
    return [_entry(token) | {"top_logprobs": list(map(_entry, token.top))} for token in tokens if token.token]


def _entry(token: TokenLogprob | Alternative) -> dict[str, Any]:
    return {"token": _spelled(token.token), "logprob": token.logprob, "bytes": list(token.token)}


class TextLogprobs:
    """`logprobs` of the pieces of one text, in their order: it counts the characters before each token."""

    def __init__(self) -> None:
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._offset = 0

    def of(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any] | None:
        """What belongs to the next piece. The token that ended the text is one of it, as OpenAI has it."""
        if not tokens:
            return None
        return {
            "tokens": [_spelled(token.token) for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [_top(token) for token in tokens],
            "text_offset": [self._place(token) for token in tokens],
        }

    def _place(self, token: TokenLogprob) -> int:
        place = self._offset
        self._offset += len(self._characters.decode(token.token))
        return place


def _top(token: TokenLogprob) -> dict[str, float] | None:
    """The likeliest tokens and the one that was drawn; of several that are written alike the likeliest one."""
    if token.logprob is None:
        return None
    top: dict[str, float] = {}
    for each in sorted([*token.top, Alternative(token.token, token.logprob)], key=lambda each: -each.logprob):
        top.setdefault(_spelled(each.token), each.logprob)
    return top


def _spelled(token: bytes) -> str:
    """The text of a token; of one that is a part of a character its bytes, as OpenAI writes them."""
    try:
        return token.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in token)
