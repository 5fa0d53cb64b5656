"""`POST /v1/messages`: the events of a streamed reply.

Order: https://docs.anthropic.com/en/docs/build-with-claude/streaming. The limit: blocks follow each other, so pieces of
two tool calls cannot come in turns.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from lms.generation.events import (
    Event,
    Finished,
    PromptProgress,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
)
from lms.server.answers import Head, Tagged
from lms.server.anthropic.message import Signature, ending, frame, input_body, usage_body
from lms.server.sse import Chunk, Template

# For each type of block, the type of its deltas, and the field that their text is in.
DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}


def chunks(batches: Iterable[Tagged], head: Head, shows_thinking: bool = True) -> Iterator[tuple[Chunk, ...]]:
    """The events of a streamed reply, batch by batch; a batch without news is empty."""
    message = _StreamedMessage(head, shows_thinking)
    for _, batch in batches:
        yield tuple([chunk for event in batch for chunk in message.chunks(event)])


class _StreamedMessage:
    """Knows what has been begun, and has to end before something else begins."""

    def __init__(self, head: Head, shows_thinking: bool) -> None:
        self._head = head
        self._shows_thinking = shows_thinking
        self._started = False
        self._blocks = 0
        self._block: _Block | None = None

    def chunks(self, event: Event) -> Iterator[Chunk]:
        """What `event` adds to the stream."""
        if not self._started:
            yield self._start(event)
        match event:
            case TextDelta(text):
                yield from self._begin({"type": "text", "text": ""})
                yield from self._add(text)
            case ReasoningDelta(text):
                yield from self._begin({"type": "thinking", "thinking": "", "signature": ""})
                yield from self._add(text)
            case ToolCallStarted(_, call_id, name):
                yield from self._begin({"type": "tool_use", "id": call_id, "name": name, "input": {}})
            case ToolArgumentsDelta(_, text):
                yield from self._add(text)
            case Finished():
                yield from self._end()
                yield {"type": "message_delta", "delta": ending(event), "usage": usage_body(event.usage)}
                yield {"type": "message_stop"}

    def _start(self, event: Event) -> Chunk:
        """The first event of a stream mostly tells how long the prompt is."""
        self._started = True
        progress = event if isinstance(event, PromptProgress) else PromptProgress(0, 0, 0)
        usage = input_body(progress.total, progress.cached) | {"output_tokens": 0}
        return {"type": "message_start", "message": frame(self._head) | {"usage": usage}}

    def _begin(self, block: dict[str, Any]) -> Iterator[Chunk]:
        """Text goes on where there is text already; calls are always new."""
        if self._block is not None and self._block.type == block["type"] != "tool_use":
            return
        yield from self._end()
        self._block = _Block(self._blocks, block["type"])
        yield {"type": "content_block_start", "index": self._blocks, "content_block": block}
        self._blocks += 1

    def _add(self, text: str) -> Iterator[Chunk]:
        assert self._block is not None
        if self._block.type == "thinking":
            self._block.signature.add(text)
            if not self._shows_thinking:
                return
        yield self._block.delta.filled(text)

    def _end(self) -> Iterator[Chunk]:
        if self._block is not None:
            yield from self._block.end()
            self._block = None


class _Block:
    """One block, from its start to its end."""

    def __init__(self, index: int, kind: str) -> None:
        self.type = kind
        self.signature = Signature()
        self._index = index
        delta, field = DELTAS[kind]
        self.delta = Template(lambda text: self._delta({"type": delta, field: text}))

    def end(self) -> Iterator[Chunk]:
        """Thoughts are signed at last."""
        if self.type == "thinking":
            yield self._delta({"type": "signature_delta", "signature": str(self.signature)})
        yield {"type": "content_block_stop", "index": self._index}

    def _delta(self, delta: dict[str, Any]) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": self._index, "delta": delta}
