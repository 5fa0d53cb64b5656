"""Conversations held in the terminal, each in a file of JSON under `<home>/chats` that only its owner may read.

They are files, and not rows of the server's store of responses, because that one forgets after so many days.
"""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec

from lms.errors import ChatNotFound
from lms.paths import ensure_private, write_atomically

_ID = re.compile(r"[0-9a-f]{8}")
TITLE_LENGTH = 60


class Chat(msgspec.Struct, omit_defaults=True):
    """`messages` are in OpenAI's form. Times are unix seconds; `model` is the identifier that answered last."""

    id: str
    model: str
    created_s: int
    changed_s: int
    messages: list[dict[str, Any]] = []

    @property
    def title(self) -> str:
        """How it began, on one line."""
        first = next((message for message in self.messages if message["role"] == "user"), None)
        text = " ".join(text_of(first).split()) if first else ""
        return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1] + "…"


def text_of(message: dict[str, Any]) -> str:
    """What a message says, without its pictures."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def new(model: str) -> Chat:
    """An empty one, which is on disk once it is saved."""
    now_s = int(time.time())
    return Chat(secrets.token_hex(4), model, now_s, now_s)


class Chats:
    """All of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, chat: Chat) -> None:
        """Write it as it is now."""
        chat.changed_s = int(time.time())
        ensure_private(self._folder)
        write_atomically(self._folder / f"{chat.id}.json", msgspec.json.format(msgspec.json.encode(chat)))

    def all(self) -> list[Chat]:
        """The one that was changed last first. A file that is no conversation is passed over."""
        read = (self._read(path) for path in self._folder.glob("*.json"))
        return sorted((chat for chat in read if chat), key=lambda chat: (-chat.changed_s, chat.id))

    def find(self, typed: str | None) -> Chat:
        """The one whose id begins so, the last one for None. Raises ChatNotFound."""
        found = [chat for chat in self.all() if typed is None or chat.id.startswith(typed)]
        if typed is not None and len(found) > 1:
            raise ChatNotFound(f"Several saved chats begin with “{typed}”.", candidates=tuple(c.id for c in found))
        if not found:
            problem = "No chat is saved." if typed is None else f"No saved chat has the id “{typed}”."
            raise ChatNotFound(problem, hint="lms chat --list shows what there is.")
        return found[0]

    def delete(self, chat: Chat) -> None:
        """Remove its file."""
        (self._folder / f"{chat.id}.json").unlink(missing_ok=True)

    def _read(self, path: Path) -> Chat | None:
        try:
            chat = msgspec.json.decode(path.read_bytes(), type=Chat)
        except (OSError, msgspec.DecodeError):
            return None
        return chat if _ID.fullmatch(chat.id) else None
