"""One response while it is being written: an engine's events go in, those of a stream come out, and a whole response in
the end. A reply that does not stream is the last event of one that does.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeVar

from lms.client.control import Lease
from lms.errors import LmsError
from lms.generation.events import (
    Event,
    Finished,
    ReasoningDelta,
    StopReason,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
    Usage,
)
from lms.generation.request import DEFAULT_SAMPLING
from lms.history.turn import Turn, new_id
from lms.server.openai.responses.items import Item, Reference, Status, conversation, read
from lms.server.openai.responses.output import (
    CallWriting,
    CustomCallWriting,
    McpCallWriting,
    McpToolsWriting,
    MessageWriting,
    ReasoningWriting,
    Writing,
)
from lms.server.openai.responses.request import ResponseCall, truncation
from lms.server.openai.responses.tools import Origin
from lms.server.sse import Chunk
from lms.server.tools.loop import News
from lms.server.tools.outcome import CallEnded, Calling, Outcome
from lms.server.tools.toolbox import Toolbox

W = TypeVar("W", bound=Writing)
End = Literal["completed", "incomplete", "failed", "cancelled"]

_CUT_SHORT: tuple[StopReason, ...] = ("maxPredictedTokensReached", "contextLengthReached", "userStopped")


class Reply:
    """`end` is how it ended, None as long as it goes on."""

    def __init__(self, call: ResponseCall, toolbox: Toolbox) -> None:
        self.call = call
        self._toolbox = toolbox
        self._under_way: dict[str, McpCallWriting] = {}
        self.id = new_id()
        self.end: End | None = None
        self.has_begun = False
        self._shown = dict(call.shown)
        self._created_s = int(time.time())
        self._completed_s: int | None = None
        self._model = ""
        self._items: list[dict[str, Any]] = []
        self._writing: Writing | None = None
        self._news: list[Chunk] = []
        self._finished: Finished | None = None
        self._error: LmsError | None = None
        self._sequence = 0

    def begin(self, lease: Lease) -> tuple[Chunk, ...]:
        """The events that announce a response by the model that is leased."""
        self._model = lease.identifier
        in_force = _in_force(lease)
        self._shown |= {name: value for name, value in in_force.items() if self._shown[name] is None}
        self.has_begun = True
        self._news += [{"type": kind, "response": self.body()} for kind in ("response.created", "response.in_progress")]
        for server in self._toolbox.servers:
            self._open(McpToolsWriting(len(self._items), server.label, self._toolbox.tools_of(server)))
            self._close("completed")
        return self._told()

    def of(self, news: News) -> tuple[Chunk, ...]:
        """What happened as events of the stream. If it ends the response, `ending` is what is left to send."""
        match news:
            case tuple():
                for event in news:
                    self._take(event)
            case Calling():
                self._close("completed")
            case CallEnded(begun, outcome):
                self._settle(self._under_way.pop(begun.call.id), outcome)
        return self._told()

    def break_off(self, end: End, error: LmsError | None = None) -> None:
        """It ends here, with what there is."""
        if self._writing is not None:
            self._items.append(self._writing.item("incomplete"))
        self._abandon()
        self._news.clear()
        self._writing, self._error, self.end = None, error, end

    def ending(self) -> Chunk:
        """The last event, with the whole response."""
        (chunk,) = self._numbered([{"type": f"response.{self.end}", "response": self.body()}])
        return chunk

    def is_not_stored(self) -> None:
        """It could not be, and says so."""
        self._shown["store"] = False

    def body(self) -> dict[str, Any]:
        """The response as it is now."""
        is_cut = self.end == "incomplete"
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created_s,
            "completed_at": self._completed_s,
            "status": self.end or "in_progress",
            "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
            "model": self._model,
            "previous_response_id": self.call.previous,
            "output": list(self._items),
            "error": {"code": self._error.code, "message": str(self._error)} if self._error else None,
            "usage": usage_body(self._finished.usage) if self._finished else None,
        } | self._shown

    def turn(self) -> Turn:
        """What is to be kept of it."""
        ids = (item["id"] for item in (*self.call.input, *self._items))
        return Turn(
            self.id,
            self.call.previous,
            "openai",
            (*self.call.messages, *conversation(_said(self._items))),
            {"response": self.body(), "input": list(self.call.input)},
            self._created_s,
            tuple(ids),
        )

    def _take(self, event: Event) -> None:
        match event:
            case ReasoningDelta(text):
                self._news.append(self._reasoning().add(text))
            case TextDelta(text, logprobs):
                message = self._message()
                self._news.append(message.add_tokens(text, logprobs) if logprobs else message.add(text))
            case ToolCallStarted(_, call_id, name):
                self._close("completed")
                self._open(self._call(call_id, name))
            case ToolArgumentsDelta(_, text):
                assert isinstance(self._writing, CallWriting), "arguments follow the start of their call"
                self._news += self._writing.add(text)
            case Finished(reason):
                self._finish(event, "incomplete" if reason in _CUT_SHORT else "completed")

    def _finish(self, finished: Finished, end: Literal["completed", "incomplete"]) -> None:
        self._finished, self.end = finished, end
        self._completed_s = int(time.time()) if end == "completed" else None
        self._close(end)
        self._abandon()

    def _call(self, call_id: str, name: str) -> CallWriting:
        """A call that begins now."""
        index = len(self._items)
        if (remote := self._toolbox.remote.get(name)) is not None:
            return McpCallWriting(index, call_id, remote)
        origin = self.call.tools.origins.get(name) or Origin(None, name)
        return (CustomCallWriting if origin.is_custom else CallWriting)(index, call_id, origin)

    def _settle(self, call: McpCallWriting, outcome: Outcome) -> None:
        self._news += call.settle(outcome)
        self._items[call.index] = call.item("completed")

    def _abandon(self) -> None:
        """Calls that are still to be made are not made any more."""
        for call in self._under_way.values():
            self._news.append(call.abandon())
            self._items[call.index] = call.item("incomplete")
        self._under_way.clear()

    def _reasoning(self) -> ReasoningWriting:
        """The reasoning that is being written, which begins now if there is none."""
        if not isinstance(self._writing, ReasoningWriting):
            self._close("completed")
            return self._open(ReasoningWriting(len(self._items), self.call.with_sealed_reasoning))
        return self._writing

    def _message(self) -> MessageWriting:
        """The message that is being written, which begins now if there is none."""
        if not isinstance(self._writing, MessageWriting):
            self._close("completed")
            return self._open(MessageWriting(len(self._items)))
        return self._writing

    def _open(self, writing: W) -> W:
        self._writing = writing
        self._news += writing.begin()
        return writing

    def _close(self, status: Status) -> None:
        if self._writing is not None:
            self._news += self._writing.end(status)
            self._items.append(self._writing.item(status))
            if isinstance(self._writing, McpCallWriting):
                self._under_way[self._writing.call_id] = self._writing
        self._writing = None

    def _told(self) -> tuple[Chunk, ...]:
        news, self._news = self._news, []
        return self._numbered(news)

    def _numbered(self, chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
        return tuple([self._next(chunk) for chunk in chunks])

    def _next(self, chunk: Chunk) -> Chunk:
        number = self._sequence
        self._sequence += 1
        if isinstance(chunk, tuple):
            json, kind = chunk
            return json[:-1] + b',"sequence_number":%d}' % number, kind
        return chunk | {"sequence_number": number}


def _in_force(lease: Lease) -> dict[str, Any]:
    """What holds where a request says nothing."""
    drawn = lease.sampling.over(DEFAULT_SAMPLING)
    return {
        "temperature": drawn.temperature,
        "top_p": drawn.top_p,
        "presence_penalty": drawn.presence_penalty,
        "frequency_penalty": drawn.frequency_penalty,
        "truncation": truncation(lease.overflow),
    }


def usage_body(usage: Usage) -> dict[str, Any]:
    """Tokens. What of the prompt was not in the cache was written to it."""
    return {
        "input_tokens": usage.prompt,
        "output_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.prompt - usage.cached},
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def _said(items: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Item]]:
    for fields in items:
        item = read(fields, "output")
        assert not isinstance(item, Reference)
        yield "output", item
