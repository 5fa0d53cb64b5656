"""`POST /v1/chat/completions`: replies and chunks, as LM Studio 0.4 sends them. The body is `requests/chat.py`.

The role is repeated in every delta and `tool_calls` is there even when empty, as captured from LM Studio;
`reasoning_content` only when there was some.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from lms.generation.events import Event, Finished, TextDelta
from lms.server.answers import FINISH_REASON, Answer, Head, Tagged, delta, draft_stats, tool_call, usage_body
from lms.server.sse import Chunk, Template


def body(answer: Answer, head: Head) -> dict[str, Any]:
    """The reply to a request that does not stream."""
    choice = {
        "index": 0,
        "message": message(answer),
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created_s,
        "model": head.model,
        "choices": [choice],
        "usage": usage_body(answer.finished.usage),
        "stats": draft_stats(answer.finished.stats),
        "system_fingerprint": head.model,
    }


def message(answer: Answer) -> dict[str, Any]:
    reasoning = {"reasoning_content": answer.reasoning} if answer.reasoning else {}
    calls = {"tool_calls": [tool_call(call) for call in answer.tool_calls]}
    return {"role": "assistant", "content": answer.text} | reasoning | calls


def chunks(batches: Iterable[Tagged], head: Head, include_usage: bool = False) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply, batch by batch; a batch without news is empty."""
    content = Template(lambda text: _piece(head, {"content": text}))
    for _, batch in batches:
        yield tuple([chunk for event in batch for chunk in _chunks(event, head, content, include_usage)])


def _chunks(event: Event, head: Head, content: Template, include_usage: bool) -> Iterator[Chunk]:
    match event:
        case TextDelta(text):
            yield content.filled(text)
        case Finished(reason, usage):
            yield _chunk(head, [_choice({}, FINISH_REASON[reason])])
            if include_usage:
                yield _chunk(head, []) | {"usage": usage_body(usage)}
        case _ if (news := delta(event)) is not None:
            yield _piece(head, news)


def _piece(head: Head, news: dict[str, Any]) -> dict[str, Any]:
    return _chunk(head, [_choice({"role": "assistant"} | news, None)])


def _choice(news: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": news, "logprobs": None, "finish_reason": finish_reason}


def _chunk(head: Head, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created_s,
        "model": head.model,
        "system_fingerprint": head.model,
        "choices": choices,
    }
