"""Responses in the history: what earlier ones left behind, and keeping the next one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lms.errors import HistoryFailed, InvalidRequest
from lms.generation.messages import Message
from lms.history.share import Share
from lms.logbus.records import LogData, ServerLog
from lms.server.openai.responses.reply import Reply


@dataclass(frozen=True)
class Keeper:
    """Implements `Past`."""

    history: Share
    log: Callable[[LogData], None]

    @property
    def keeps(self) -> bool:
        return self.history.keeps

    def conversation(self, turn_id: str) -> tuple[Message, ...]:
        return self.history.conversation(turn_id)

    def item(self, item_id: str, param: str) -> dict[str, Any]:
        turn = self.history.turn_with(item_id, "openai")
        items = [*turn.record["input"], *turn.record["response"]["output"]] if turn else []
        for item in items:
            if item["id"] == item_id:
                found: dict[str, Any] = item
                return found
        raise InvalidRequest(f"“{param}” is “{item_id}”, and no stored response has such an item.", param=param)

    def keep(self, reply: Reply) -> None:
        """Store a response that has ended, if it is to be stored. Where that fails, the answer is worth more: it goes
        out, and says that it is not stored.
        """
        if not reply.call.stored:
            return
        try:
            self.history.add(reply.turn())
        except HistoryFailed as error:
            self.log(ServerLog(f"A response could not be stored: {error}", "error"))
            reply.is_not_stored()

    def body(self, response_id: str) -> dict[str, Any]:
        """A stored response. Raises ResponseNotFound."""
        body: dict[str, Any] = self.history.turn(response_id, "openai").record["response"]
        return body

    def input(self, response_id: str) -> list[dict[str, Any]]:
        """The items that a stored response was asked with. Raises ResponseNotFound."""
        items: list[dict[str, Any]] = self.history.turn(response_id, "openai").record["input"]
        return items

    def remove(self, response_id: str) -> None:
        """Raises ResponseNotFound."""
        self.history.remove(response_id, "openai")
