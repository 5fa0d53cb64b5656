"""What the stream of a chat says, piece by piece: from the chunks of `/api/v0/chat/completions`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reading:
    """How far the prompt is processed, for who asked for that. `fraction` is from 0 to 1."""

    fraction: float


@dataclass(frozen=True)
class Thought:
    """A piece of the reasoning."""

    text: str


@dataclass(frozen=True)
class Said:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class Ended:
    """The figures of the whole answer. Times are in seconds."""

    stop_reason: str
    tokens_per_second: float
    time_to_first_token_s: float
    prompt_tokens: int
    predicted_tokens: int


Piece = Reading | Thought | Said | Ended


def pieces(chunks: Iterable[dict[str, Any]]) -> Iterator[Piece]:
    """What each chunk adds."""
    for chunk in chunks:
        if progress := chunk.get("prompt_progress"):
            yield Reading(progress["processed"] / progress["total"])
        for choice in chunk["choices"]:
            news = choice["delta"]
            if thought := news.get("reasoning_content"):
                yield Thought(thought)
            if said := news.get("content"):
                yield Said(said)
        if "stats" in chunk:
            yield _ended(chunk["stats"], chunk["usage"])


def _ended(stats: dict[str, Any], usage: dict[str, Any]) -> Ended:
    return Ended(
        stats["stop_reason"],
        stats["tokens_per_second"],
        stats["time_to_first_token"],
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )


def stats_lines(ended: Ended) -> Iterator[str]:
    """LM Studio's block of figures."""
    yield "Prediction Stats:"
    yield f"  Stop Reason: {ended.stop_reason}"
    yield f"  Tokens/Second: {ended.tokens_per_second:.2f}"
    yield f"  Time to First Token: {ended.time_to_first_token_s:.3f}s"
    yield f"  Prompt Tokens: {ended.prompt_tokens}"
    yield f"  Predicted Tokens: {ended.predicted_tokens}"
    yield f"  Total Tokens: {ended.prompt_tokens + ended.predicted_tokens}"


def stats_json(ended: Ended) -> dict[str, Any]:
    """The same under the names of LM Studio's log."""
    return {
        "stopReason": ended.stop_reason,
        "tokensPerSecond": ended.tokens_per_second,
        "timeToFirstTokenSec": ended.time_to_first_token_s,
        "promptTokensCount": ended.prompt_tokens,
        "predictedTokensCount": ended.predicted_tokens,
        "totalTokensCount": ended.prompt_tokens + ended.predicted_tokens,
    }
