"""An engine's events as the parts that the OpenAI endpoints and LM Studio's REST API v0 build their replies from."""

from collections.abc import Iterable, Mapping, Sequence
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
    TokenLogprob,
    ToolArgumentsDelta,
    ToolCallStarted,
    Usage,
)
from lms.generation.messages import ToolCall

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
    logprobs: tuple[TokenLogprob, ...] = ()

    @property
    def finish_reason(self) -> str:
        return FINISH_REASON[self.finished.reason]


def collect(batches: Iterable[Batch]) -> Answer:
    """The answer that a stream of events adds up to. Raises EngineFailed when it has no end."""
    text: list[str] = []
    reasoning: list[str] = []
    calls: dict[int, ToolCall] = {}
    logprobs: list[TokenLogprob] = []
    for event in (event for batch in batches for event in batch):
        match event:
            case TextDelta(piece, told):
                text.append(piece)
                logprobs += told
            case ReasoningDelta(piece):
                reasoning.append(piece)
            case ToolCallStarted(index, call_id, name):
                calls[index] = ToolCall(call_id, name, "")
            case ToolArgumentsDelta(index, piece):
                calls[index] = ToolCall(calls[index].id, calls[index].name, calls[index].arguments + piece)
            case Finished():
                return Answer("".join(text), "".join(reasoning), tuple(calls.values()), event, tuple(logprobs))
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


def in_order(ends: Mapping[int, Finished]) -> list[Finished]:
    """The ends of answers by the numbers of their requests: they come as they like."""
    return [ends[index] for index in sorted(ends)]


def total(parts: Sequence[Finished], answers_each: int = 1) -> Finished:
    """The ends of several answers of one call as one: tokens and times add up, the last reason stands.

    Each `answers_each` of them have the same prompt, whose tokens count once.
    """
    usages, firsts = [part.usage for part in parts], [part.usage for part in parts[::answers_each]]
    usage = Usage(
        sum(usage.prompt for usage in firsts),
        sum(usage.completion for usage in usages),
        sum(usage.cached for usage in firsts),
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
    truncated = sum(part.stats.truncated_tokens for part in parts)
    return Stats(speed, first.time_to_first_token_s, generation_time_s, drafts, first.draft_model, truncated)


def stats_body(stats: Stats) -> dict[str, Any]:
    """What became of the tokens that were guessed ahead, and how many of a conversation too long were left out; empty
    where there is nothing to say."""
    truncated = {"truncated_tokens": stats.truncated_tokens} if stats.truncated_tokens else {}
    return draft_stats(stats) | truncated


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
