"""What somebody may see of a history, and puts there."""

from dataclasses import dataclass

import msgspec

from lms.generation.messages import Image, Message
from lms.history.history import History
from lms.history.turn import Form, Turn


@dataclass(frozen=True)
class Share:
    """The turns of one owner, or with `sees_all` everybody's. Its methods are those of `History`.

    owner: whose the turns are that are added; None: nobody's, so that only those find them who see all
    """

    history: History
    owner: str | None = None
    sees_all: bool = True

    @property
    def keeps(self) -> bool:
        return self.history.keeps

    def add(self, turn: Turn) -> None:
        self.history.add(turn, self.owner)

    def conversation(self, turn_id: str) -> tuple[Message, ...]:
        return tuple(map(_recalled, self.history.conversation(turn_id, self._only)))

    def turn(self, turn_id: str, form: Form) -> Turn:
        return self.history.turn(turn_id, form, self._only)

    def turn_with(self, item: str, form: Form) -> Turn | None:
        return self.history.turn_with(item, form, self._only)

    def remove(self, turn_id: str, form: Form) -> None:
        self.history.remove(turn_id, form, self._only)

    @property
    def _only(self) -> str | None:
        """Whose turns are found; None: anybody's."""
        if self.sees_all:
            return None
        assert self.owner is not None, "who does not see all is somebody"
        return self.owner


def _recalled(message: Message) -> Message:
    """The message, complaints about whose pictures name the field that brings them back."""
    if isinstance(message.content, str):
        return message
    parts = tuple(
        msgspec.structs.replace(part, param="previous_response_id") if isinstance(part, Image) else part
        for part in message.content
    )
    return msgspec.structs.replace(message, content=parts)
