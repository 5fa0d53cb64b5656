"""Choices: the answers in the replies of the OpenAI endpoints and of LM Studio's REST API v0, and the chunks of them.

What stands around the choices is for each dialect to say.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from lms.generation.events import (
    Event,
    Finished,
    PromptProgress,
    ReasoningDelta,
    StopReason,
    TextDelta,
    TokenLogprob,
    ToolArgumentsDelta,
    ToolCallStarted,
)
from lms.server.answers import FINISH_REASON, Answer, Batch
from lms.server.logprobs import TextLogprobs, of_chat
from lms.server.sse import Chunk, Template


def text_choices(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Whole texts."""
    return [
        _text_choice(index, answer.text, answer.finish_reason, TextLogprobs().of(answer.logprobs))
        for index, answer in enumerate(answers)
    ]


def _text_choice(
    index: int, text: str, finish_reason: str | None, logprobs: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The text of that number, whole or a piece."""
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}


def _chat_choice(
    index: int, news: dict[str, Any], finish_reason: str | None, logprobs: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What is new of the message of that number."""
    return {"index": index, "delta": news, "logprobs": logprobs, "finish_reason": finish_reason}


class _Chunks(ABC):
    """The chunks of streamed choices. `whole` makes a dialect's object of a list of choices."""

    def __init__(self, whole: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        self._whole = whole
        self._templates: dict[int, Template] = {}

    def of(self, index: int, batch: Batch) -> list[Chunk]:
        """What a batch adds to the choice of that number."""
        chunks: list[Chunk] = []
        for event in batch:
            match event:
                case TextDelta(text, ()):
                    chunks.append((self._templates.get(index) or self._new_template(index)).filled(text))
                case TextDelta(text, told):
                    chunks += self._with_logprobs(index, text, told)
                case Finished(reason):
                    chunks.append(self.end(index, reason))
                case PromptProgress():
                    chunks += self._before_text(index, event)
                case _ if (news := _delta(event)) is not None:
                    chunks += self._beside_text(index, news)
        return chunks

    def end(self, index: int, reason: StopReason) -> dict[str, Any]:
        """The chunk that ends that choice."""
        return self._whole([self._choice(index, None, FINISH_REASON[reason])])

    def _new_template(self, index: int) -> Template:
        template = self._templates[index] = Template(lambda text: self._whole([self._choice(index, text)]))
        return template

    @abstractmethod
    def _choice(
        self, index: int, text: str | None, finish_reason: str | None = None, logprobs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What is said of the choice, whole or a piece; its end without a text."""

    @abstractmethod
    def _with_logprobs(self, index: int, text: str, told: tuple[TokenLogprob, ...]) -> list[Chunk]:
        """A piece that comes with its tokens."""

    def _beside_text(self, index: int, news: dict[str, Any]) -> list[Chunk]:
        """What is no text: nothing, unless a dialect has a place for it."""
        return []

    def _before_text(self, index: int, progress: PromptProgress) -> list[Chunk]:
        """How far the prompt is processed: nothing, unless somebody wants to know."""
        return []


class TextChunks(_Chunks):
    """The chunks of streamed texts."""

    def __init__(self, whole: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        super().__init__(whole)
        self._logprobs: defaultdict[int, TextLogprobs] = defaultdict(TextLogprobs)

    def _choice(
        self, index: int, text: str | None, finish_reason: str | None = None, logprobs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return _text_choice(index, text or "", finish_reason, logprobs)

    def _with_logprobs(self, index: int, text: str, told: tuple[TokenLogprob, ...]) -> list[Chunk]:
        return [self._whole([self._choice(index, text, logprobs=self._logprobs[index].of(told))])]


class ChatChunks(_Chunks):
    """The chunks of streamed messages. The role is in every one but the last, as LM Studio has it.

    progress: before the message come chunks that say how far its prompt is, as llama-server's do
    """

    def __init__(self, whole: Callable[[list[dict[str, Any]]], dict[str, Any]], progress: bool = False) -> None:
        super().__init__(whole)
        self._progress = progress

    def _choice(
        self, index: int, text: str | None, finish_reason: str | None = None, logprobs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        news = {} if text is None else {"role": "assistant", "content": text}
        return _chat_choice(index, news, finish_reason, logprobs)

    def _with_logprobs(self, index: int, text: str, told: tuple[TokenLogprob, ...]) -> list[Chunk]:
        logprobs = of_chat(told)
        return [self._whole([self._choice(index, text, logprobs=logprobs)])] if text or logprobs else []

    def _beside_text(self, index: int, news: dict[str, Any]) -> list[Chunk]:
        return [self._whole([_chat_choice(index, {"role": "assistant"} | news, None)])]

    def _before_text(self, index: int, progress: PromptProgress) -> list[Chunk]:
        if not self._progress:
            return []
        told = {"total": progress.total, "cache": progress.cached, "processed": progress.processed}
        chunk = self._whole([_chat_choice(index, {"role": "assistant", "content": None}, None)])
        return [chunk | {"prompt_progress": told}]


def _delta(event: Event) -> dict[str, Any] | None:
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
