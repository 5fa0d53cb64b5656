from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lms.generation.messages import Message
from lms.history.history import DAY_S, MEBIBYTE, History
from lms.history.turn import Turn, new_id


@dataclass
class Shelf:
    """A history of a month, whose clock stands still unless a test moves it."""

    path: Path
    now_s: float = 1_700_000_000
    opened: list[History] = field(default_factory=list)
    history: History = field(init=False)

    def __post_init__(self) -> None:
        self.history = self.open()

    def open(self, days: float = 30, limit_bytes: int = MEBIBYTE) -> History:
        self.opened.append(History(self.path, days, limit_bytes, clock=lambda: self.now_s))
        return self.opened[-1]

    def wait_days(self, days: float) -> None:
        self.now_s += days * DAY_S

    def add(
        self,
        said: str,
        parent: Turn | None = None,
        history: History | None = None,
        items: tuple[str, ...] = (),
        owner: str | None = None,
    ) -> Turn:
        """A turn in which that was said, and answered."""
        messages = (Message("user", said), Message("assistant", said.upper()))
        turn = Turn(new_id(), parent and parent.id, "openai", messages, {"said": said}, int(self.now_s), items)
        (history or self.history).add(turn, owner)
        return turn

    def said(self, turn: Turn) -> list[object]:
        """The user's side of the conversation up to that turn."""
        return [message.content for message in self.history.conversation(turn.id) if message.role == "user"]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "home" / "history.db")
    yield shelf
    for history in shelf.opened:
        history.close()
