"""An engine's events as the parts that the OpenAI endpoints and LM Studio's REST API v0 build their replies from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lms.client.control import Lease
from lms.errors import EngineFailed
from lms.generation.events import (
    Drafts,
    Event,
    Finished,
    ReasoningDelta,
    Stats,
    StopReason,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
    Usage,
)
from lms.generation.messages import ToolCall
from lms.server.sse import Chunk, Template

E = TypeVar("E")

Batch = tuple[Event, ...]
# The number of the request among those of its call, and what came of it.
Tagged = tuple[int, Batch]

FINISH_REASON: dict[StopReason, str] = {
    "eosFound": "stop",
    "stopStringFound": "stop",
    "toolCalls": "tool_calls",
    "maxPredictedTokensReached": "length",
    "contextLengthReached": "length",
    "userStopped": "stop",
    "modelUnloaded": "stop",
    "failed": "stop",
}


@dataclass(frozen=True)
class Head:
    """What every object of one reply repeats: its id, the unix time, and the model that answers."""

    id: str
    created_s: int
    lease: Lease

    @property
    def model(self) -> str:
        return self.lease.identifier


@dataclass(frozen=True)
class Answer:
    """One whole answer."""

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    finished: Finished

    @property
    def finish_reason(self) -> str:
        return FINISH_REASON[self.finished.reason]


def collect(batches: Iterable[Batch]) -> Answer:
    """The answer that a stream of events adds up to. Raises EngineFailed when it has no end."""
    text: list[str] = []
    reasoning: list[str] = []
    calls: dict[int, ToolCall] = {}
    for event in (event for batch in batches for event in batch):
        match event:
            case TextDelta(piece):
                text.append(piece)
            case ReasoningDelta(piece):
                reasoning.append(piece)
            case ToolCallStarted(index, call_id, name):
                calls[index] = ToolCall(call_id, name, "")
            case ToolArgumentsDelta(index, piece):
                calls[index] = ToolCall(calls[index].id, calls[index].name, calls[index].arguments + piece)
            case Finished():
                return Answer("".join(text), "".join(reasoning), tuple(calls.values()), event)
    raise EngineFailed("The engine ended without an answer.")


def single(batches: Iterable[Batch], kind: type[E]) -> E:
    """The one event of that kind in a stream of events. Raises EngineFailed when there is none."""
    for event in (event for batch in batches for event in batch):
        if isinstance(event, kind):
            return event
    raise EngineFailed("The engine ended without an answer.")


def tool_call(call: ToolCall) -> dict[str, Any]:
    """A finished call in a message."""
    return {"type": "function", "id": call.id, "function": {"name": call.name, "arguments": call.arguments}}


def delta(event: Event) -> dict[str, Any] | None:
    """What `event` adds to a streamed message, or None when it adds nothing."""
    match event:
        case TextDelta(text):
            return {"content": text}
        case ReasoningDelta(text):
            return {"reasoning_content": text}
        case ToolCallStarted(index, call_id, name):
            function = {"name": name, "arguments": ""}
            return {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}
        case ToolArgumentsDelta(index, text):
            return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
    return None


def text_choice(index: int, text: str, finish_reason: str | None) -> dict[str, Any]:
    """Text that continues the prompt of that number, whole or a piece."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


class TextChunks:
    """The chunks of streamed continuations. `whole` makes a dialect's object of a list of choices."""

    def __init__(self, whole: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        self._whole = whole
        self._templates: dict[int, Template] = {}

    def of(self, index: int, batch: Batch) -> list[Chunk]:
        """What a batch adds to the continuation of the prompt of that number."""
        chunks: list[Chunk] = []
        for event in batch:
            match event:
                case TextDelta(text):
                    chunks.append(self._template(index).filled(text))
                case Finished(reason):
                    chunks.append(self.end(index, reason))
        return chunks

    def end(self, index: int, reason: StopReason) -> dict[str, Any]:
        """The chunk that ends that continuation."""
        return self._whole([text_choice(index, "", FINISH_REASON[reason])])

    def _template(self, index: int) -> Template:
        if index not in self._templates:
            self._templates[index] = Template(lambda text: self._whole([text_choice(index, text, None)]))
        return self._templates[index]


def total(parts: Sequence[Finished]) -> Finished:
    """The ends of several answers of one call as one: tokens and times add up, the last reason stands."""
    usages = [part.usage for part in parts]
    usage = Usage(
        sum(usage.prompt for usage in usages),
        sum(usage.completion for usage in usages),
        sum(usage.cached for usage in usages),
        sum(usage.reasoning for usage in usages),
    )
    return Finished(parts[-1].reason, usage, _total_stats(parts, usage.completion), parts[-1].stop_string)


def _total_stats(parts: Sequence[Finished], completion: int) -> Stats:
    if len(parts) == 1:
        return parts[0].stats
    generation_time_s = sum(part.stats.generation_time_s for part in parts)
    speed = completion / generation_time_s if generation_time_s > 0 else 0.0
    first = parts[0].stats
    drafts = sum((part.stats.drafts for part in parts), Drafts())
    return Stats(speed, first.time_to_first_token_s, generation_time_s, drafts, first.draft_model)


def draft_stats(stats: Stats) -> dict[str, Any]:
    """What became of the tokens that were guessed ahead; empty where nothing could guess."""
    drafts = stats.drafts
    if stats.draft_model is None and not drafts.total:
        return {}
    named = {"draft_model": stats.draft_model} if stats.draft_model else {}
    return named | {
        "total_draft_tokens_count": drafts.total,
        "accepted_draft_tokens_count": drafts.accepted,
        "rejected_draft_tokens_count": drafts.rejected,
        "ignored_draft_tokens_count": drafts.ignored,
    }


def usage_body(usage: Usage) -> dict[str, Any]:
    """Tokens, as OpenAI counts them."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
