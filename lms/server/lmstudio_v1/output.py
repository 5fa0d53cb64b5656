"""What a chat has come to so far: who answers, and what was said, item by item in the order it came."""

from dataclasses import dataclass, field
from typing import Any, Literal

from lms.client.control import Lease, LeaseProgress
from lms.generation.events import Event, Finished, ReasoningDelta, Stats, TextDelta, Usage
from lms.generation.messages import Message
from lms.server.lmstudio_v1 import tool_calls
from lms.server.tools import loop
from lms.server.tools.loop import RoundEnded
from lms.server.tools.outcome import CallEnded

Kind = Literal["message", "reasoning"]
# From the first news of a load, if there is one, to the last event of the engine; None while there is silence.
News = LeaseProgress | Lease | loop.News | None

_NOTHING = Finished("failed", Usage(0, 0), Stats(0.0, 0.0, 0.0))


@dataclass
class _Item:
    """A stretch of one kind."""

    kind: Kind
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Output:
    """Grows with what happens."""

    def __init__(self) -> None:
        self._instance_id = ""
        self._was_loaded = False
        self._load_time_s: float | None = None
        self._items: list[_Item | CallEnded] = []
        self._earlier: tuple[Message, ...] = ()
        self._round_begins = 0
        self._finished = _NOTHING

    def take(self, news: News) -> None:
        match news:
            case LeaseProgress(identifier):
                self._instance_id, self._was_loaded = identifier, True
            case Lease(identifier):
                self._instance_id, self._load_time_s = identifier, news.load_time_s
            case tuple():
                for event in news:
                    self._take(event)
            case CallEnded():
                self._items.append(news)
            case RoundEnded(messages):
                self._earlier += messages
                self._round_begins = len(self._items)

    def body(self, response_id: str | None = None) -> dict[str, Any]:
        """The reply, or what there is of it."""
        body = {
            "model_instance_id": self._instance_id,
            "output": [_shown(item) for item in self._items],
            "stats": self._stats(),
        }
        return body | ({"response_id": response_id} if response_id else {})

    def messages(self) -> tuple[Message, ...]:
        """What the model said, called and was told, as the conversation remembers it."""
        said = Message("assistant", self._text("message"), reasoning=self._text("reasoning") or None)
        return (*self._earlier, said)

    def _take(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self._item("message").pieces.append(text)
            case ReasoningDelta(text):
                self._item("reasoning").pieces.append(text)
            case Finished():
                self._finished = event

    def _item(self, kind: Kind) -> _Item:
        last = self._items[-1] if self._items else None
        if isinstance(last, _Item) and last.kind == kind:
            return last
        begun = _Item(kind)
        self._items.append(begun)
        return begun

    def _text(self, kind: Kind) -> str:
        """That of the last round."""
        items = self._items[self._round_begins :]
        return "".join(item.text for item in items if isinstance(item, _Item) and item.kind == kind)

    def _stats(self) -> dict[str, Any]:
        """Tokens and seconds. LM Studio's have no reason for the end; without one, an answer cut off looks whole."""
        usage, measured = self._finished.usage, self._finished.stats
        stats = {
            "input_tokens": usage.prompt,
            "total_output_tokens": usage.completion,
            "reasoning_output_tokens": usage.reasoning,
            "tokens_per_second": measured.tokens_per_second,
            "time_to_first_token_seconds": measured.time_to_first_token_s,
            "stop_reason": self._finished.reason,
        }
        return stats | ({"model_load_time_seconds": self._load_time_s} if self._was_loaded else {})


def _shown(item: _Item | CallEnded) -> dict[str, Any]:
    return tool_calls.item(item) if isinstance(item, CallEnded) else {"type": item.kind, "content": item.text}
