"""`POST /api/v0/chat/completions`: replies and chunks. The body is `requests/chat.py`.

LM Studio does not say what a v0 stream looks like: here the last chunk carries the usage and the facts.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from lms.generation.events import Event, Finished, TextDelta
from lms.server.answers import FINISH_REASON, Answer, Head, Tagged, delta, tool_call, usage_body
from lms.server.lmstudio_v0.facts import facts
from lms.server.sse import Chunk, Template


def body(answer: Answer, head: Head) -> dict[str, Any]:
    """The reply to a request that does not stream."""
    choice = {
        "index": 0,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
        "message": _message(answer),
    }
    return _object(head, "chat.completion", choice) | _end(answer.finished, head)


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [tool_call(call) for call in answer.tool_calls]
    return message


def chunks(batches: Iterable[Tagged], head: Head) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply, batch by batch; a batch without news is empty."""
    content = Template(lambda text: _piece(head, {"content": text}))
    for _, batch in batches:
        yield tuple([chunk for event in batch for chunk in _chunks(event, head, content)])


def _chunks(event: Event, head: Head, content: Template) -> Iterator[Chunk]:
    match event:
        case TextDelta(text):
            yield content.filled(text)
        case Finished(reason):
            yield _chunk(head, {}, FINISH_REASON[reason]) | _end(event, head)
        case _ if (news := delta(event)) is not None:
            yield _piece(head, news)


def _piece(head: Head, news: dict[str, Any]) -> dict[str, Any]:
    return _chunk(head, {"role": "assistant"} | news, None)


def _chunk(head: Head, news: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": news, "logprobs": None, "finish_reason": finish_reason}
    return _object(head, "chat.completion.chunk", choice)


def _object(head: Head, kind: str, choice: dict[str, Any]) -> dict[str, Any]:
    return {"id": head.id, "object": kind, "created": head.created_s, "model": head.model, "choices": [choice]}


def _end(finished: Finished, head: Head) -> dict[str, Any]:
    return {"usage": usage_body(finished.usage)} | facts(finished, head.lease)
