"""What happens in a chat as LM Studio's events: https://lmstudio.ai/docs/developer/rest/streaming-events."""

from collections.abc import Iterator
from typing import Any

from lms.client.control import Lease, LeaseProgress
from lms.generation.events import Event, Finished, PromptProgress, ReasoningDelta, TextDelta, ToolCallStarted
from lms.server.answers import Batch
from lms.server.lmstudio_v1 import tool_calls
from lms.server.lmstudio_v1.output import Kind, News
from lms.server.sse import Chunk, Template
from lms.server.tools.loop import RoundEnded
from lms.server.tools.outcome import CallEnded, Calling
from lms.server.tools.toolbox import Toolbox

_DELTA: dict[Kind, Template] = {
    "message": Template(lambda text: {"type": "message.delta", "content": text}),
    "reasoning": Template(lambda text: {"type": "reasoning.delta", "content": text}),
}


class Telling:
    """Tells one chat. What has begun is ended before the next thing begins.

    Of several calls in one round, each is told to its end before the next one: their events do not say which they are.

    begun: whether anything was told: from then on a failure is an event, too
    """

    def __init__(self, toolbox: Toolbox) -> None:
        self.begun = False
        self._toolbox = toolbox
        self._call_told: str | None = None
        self._instance_id = ""
        self._prompt_told = False
        self._open: str | None = None

    def of(self, news: News) -> Iterator[Chunk]:
        """The events that `news` amounts to. A lease that came at once is none: the engine may still refuse."""
        match news:
            case LeaseProgress(identifier, progress):
                self._instance_id = identifier
                yield from self._loading(progress)
            case Lease(identifier):
                self._instance_id = identifier
                if self.begun:
                    yield self._of_model("model_load.end") | {"load_time_seconds": news.load_time_s}
            case tuple():
                yield from self._answering(news)
            case Calling(call):
                yield from self._call(call.id, call.name)
                yield from tool_calls.arguments(news)
            case CallEnded():
                self._call_told = None
                yield tool_calls.ended(news)
            case RoundEnded(goes_on=True):
                self._prompt_told = False

    def closed(self) -> Iterator[Chunk]:
        """The end of what is open."""
        if self._open:
            yield {"type": f"{self._open}.end"}
        self._open = None

    def _loading(self, progress: float) -> Iterator[Chunk]:
        if not self.begun:
            yield self._begin()
            yield self._of_model("model_load.start")
        if progress:
            yield self._of_model("model_load.progress") | {"progress": progress}

    def _answering(self, batch: Batch) -> Iterator[Chunk]:
        if not self.begun:
            yield self._begin()
        if not self._prompt_told:
            self._prompt_told = True
            yield from self._opened("prompt_processing")
        for event in batch:
            yield from self._of_event(event)

    def _of_event(self, event: Event) -> Iterator[Chunk]:
        match event:
            case PromptProgress(processed, total) if self._open == "prompt_processing":
                yield {"type": "prompt_processing.progress", "progress": processed / total}
            case TextDelta(text):
                yield from self._piece("message", text)
            case ReasoningDelta(text):
                yield from self._piece("reasoning", text)
            case ToolCallStarted(_, call_id, name) if self._call_told is None:
                yield from self._call(call_id, name)
            case Finished():
                yield from self.closed()

    def _call(self, call_id: str, name: str) -> Iterator[Chunk]:
        """The beginning of that call, if it was not told before."""
        if self._call_told != call_id:
            yield from self.closed()
            self._call_told = call_id
            yield from tool_calls.started(name, self._toolbox.remote.get(name))

    def _piece(self, kind: Kind, text: str) -> Iterator[Chunk]:
        if self._open != kind:
            yield from self._opened(kind)
        yield _DELTA[kind].filled(text)

    def _opened(self, name: str) -> Iterator[Chunk]:
        yield from self.closed()
        self._open = name
        yield {"type": f"{name}.start"}

    def _begin(self) -> dict[str, Any]:
        self.begun = True
        return self._of_model("chat.start")

    def _of_model(self, name: str) -> dict[str, Any]:
        return {"type": name, "model_instance_id": self._instance_id}
