"""`POST /api/v0/completions`: replies and chunks. The body is `requests/text.py`.

Several prompts are answered one after the other; their tokens and times are added up.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lms.generation.events import Finished, TextDelta
from lms.server.answers import FINISH_REASON, Answer, Batch, Head, total, usage_body
from lms.server.lmstudio_v0.facts import facts
from lms.server.sse import Chunk


def body(answers: Sequence[Answer], head: Head) -> dict[str, Any]:
    """The reply to a request that does not stream."""
    choices = [_choice(index, answer.text, answer.finish_reason) for index, answer in enumerate(answers)]
    return _object(head, choices) | _end([answer.finished for answer in answers], head)


def chunks(batches: Iterable[tuple[int, Batch]], head: Head, prompts: int = 1) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply to so many `prompts`. The very last one carries the usage and the facts."""
    ends: list[Finished] = []
    for index, batch in batches:
        ends += [event for event in batch if isinstance(event, Finished)]
        end = _end(ends, head) if len(ends) == prompts else {}
        yield tuple(_chunks(index, batch, head, end))


def _chunks(index: int, batch: Batch, head: Head, end: dict[str, Any]) -> Iterator[Chunk]:
    for event in batch:
        match event:
            case TextDelta(text):
                yield _object(head, [_choice(index, text, None)])
            case Finished(reason):
                yield _object(head, [_choice(index, "", FINISH_REASON[reason])]) | end


def _choice(index: int, text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


def _object(head: Head, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": "text_completion",
        "created": head.created_s,
        "model": head.model,
        "choices": choices,
    }


def _end(ends: Sequence[Finished], head: Head) -> dict[str, Any]:
    finished = total(ends)
    return {"usage": usage_body(finished.usage)} | facts(finished, head.lease)
