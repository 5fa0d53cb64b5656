"""One answered request of a conversation."""

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from lms.generation.messages import Message

# What a record looks like: each folder of `server/` that keeps turns has a form of its own.
Form = Literal["openai", "lmstudio_v1"]

_ID_BYTES = 24


@dataclass(frozen=True)
class Turn:
    """What a request added to the conversation, which any number of later ones may go on from.

    parent: the turn that it went on from
    messages: the input and the answer, without what holds for this request alone
    record: what is to be shown of it later, in that form; JSON
    created_s: unix seconds
    items: ids of parts of the record by which it can be found; the first turn with an id has it
    """

    id: str
    parent: str | None
    form: Form
    messages: tuple[Message, ...]
    record: dict[str, Any]
    created_s: int
    items: tuple[str, ...] = ()


def new_id() -> str:
    """An id in LM Studio's form: `resp_` and 48 hexadecimal digits. Nobody can guess it."""
    return f"resp_{secrets.token_hex(_ID_BYTES)}"
