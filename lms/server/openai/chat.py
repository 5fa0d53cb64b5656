"""`POST /v1/chat/completions`: replies and chunks, as LM Studio 0.4 sends them. The body is `requests/chat.py`.

The role is repeated in every delta and `tool_calls` is there even when empty, as captured from LM Studio;
`reasoning_content` only when there was some.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from lms.generation.events import Finished
from lms.server.answers import Answer, Head, Tagged, in_order, stats_body, tool_call, total, usage_body
from lms.server.choices import ChatChunks
from lms.server.logprobs import of_chat
from lms.server.sse import Chunk


def body(answers: Sequence[Answer], head: Head) -> dict[str, Any]:
    """The reply to a request that does not stream, a choice for each answer to it."""
    finished = total([answer.finished for answer in answers], len(answers))
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created_s,
        "model": head.model,
        "choices": [_choice(index, answer) for index, answer in enumerate(answers)],
        "usage": usage_body(finished.usage),
        "stats": stats_body(finished.stats),
        "system_fingerprint": head.model,
    }


def _choice(index: int, answer: Answer) -> dict[str, Any]:
    return {
        "index": index,
        "message": message(answer),
        "logprobs": of_chat(answer.logprobs),
        "finish_reason": answer.finish_reason,
    }


def message(answer: Answer) -> dict[str, Any]:
    reasoning = {"reasoning_content": answer.reasoning} if answer.reasoning else {}
    calls = {"tool_calls": [tool_call(call) for call in answer.tool_calls]}
    return {"role": "assistant", "content": answer.text} | reasoning | calls


def chunks(
    batches: Iterable[Tagged], head: Head, include_usage: bool = False, progress: bool = False
) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply, batch by batch; a batch without news is empty."""
    pieces = ChatChunks(partial(_object, head), progress)
    ends: dict[int, Finished] = {}
    for index, batch in batches:
        yield tuple(pieces.of(index, batch))
        if batch and isinstance(batch[-1], Finished):
            ends[index] = batch[-1]
    if include_usage:
        finished = total(in_order(ends), len(ends))
        yield (_object(head, []) | {"usage": usage_body(finished.usage), "stats": stats_body(finished.stats)},)


def _object(head: Head, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created_s,
        "model": head.model,
        "system_fingerprint": head.model,
        "choices": choices,
    }
