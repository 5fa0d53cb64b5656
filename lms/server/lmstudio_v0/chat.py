"""`POST /api/v0/chat/completions`: replies and chunks. The body is `requests/chat.py`.

LM Studio does not document its stream; here the last chunk carries the usage and the facts.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from lms.server.answers import Answer, Head, Tagged, tool_call
from lms.server.choices import ChatChunks
from lms.server.lmstudio_v0.ending import ended, ending
from lms.server.logprobs import of_chat
from lms.server.sse import Chunk


def body(answers: Sequence[Answer], head: Head) -> dict[str, Any]:
    """The reply to a request that does not stream, a choice for each answer to it."""
    choices = [_choice(index, answer) for index, answer in enumerate(answers)]
    ends = [answer.finished for answer in answers]
    return _object(head, "chat.completion", choices) | ending(ends, len(ends), head)


def _choice(index: int, answer: Answer) -> dict[str, Any]:
    return {
        "index": index,
        "logprobs": of_chat(answer.logprobs),
        "finish_reason": answer.finish_reason,
        "message": _message(answer),
    }


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [tool_call(call) for call in answer.tool_calls]
    return message


def chunks(
    batches: Iterable[Tagged], head: Head, answers: int = 1, progress: bool = False
) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply of so many `answers`, batch by batch; a batch without news is empty."""
    pieces = ChatChunks(partial(_object, head, "chat.completion.chunk"), progress)
    return ended(batches, pieces, head, answers, answers)


def _object(head: Head, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": head.id, "object": kind, "created": head.created_s, "model": head.model, "choices": choices}
