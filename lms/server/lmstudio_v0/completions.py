"""`POST /api/v0/completions`: replies and chunks. The body is `requests/text.py`.

The tokens and times of several answers are added up.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from lms.server.answers import Answer, Head, Tagged
from lms.server.choices import TextChunks, text_choices
from lms.server.lmstudio_v0.ending import ended, ending
from lms.server.sse import Chunk


def body(answers: Sequence[Answer], head: Head, answers_each: int = 1) -> dict[str, Any]:
    """The reply to a request that does not stream."""
    return _object(head, text_choices(answers)) | ending([answer.finished for answer in answers], answers_each, head)


def chunks(
    batches: Iterable[Tagged], head: Head, answers: int = 1, answers_each: int = 1
) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply of so many `answers`. The very last one carries the usage and the facts."""
    return ended(batches, TextChunks(partial(_object, head)), head, answers, answers_each)


def _object(head: Head, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": "text_completion",
        "created": head.created_s,
        "model": head.model,
        "choices": choices,
    }
