"""A chat from its lease to its last word, whole or told as it happens."""

from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import Any

from lms.client.control import Lease
from lms.errors import LmsError, ModelNotFound
from lms.server.exchange import Exchange
from lms.server.lmstudio_v1.events import Telling
from lms.server.lmstudio_v1.output import News, Output
from lms.server.lmstudio_v1.reasoning import template_variables
from lms.server.lmstudio_v1.thread import Thread
from lms.server.sse import Chunk
from lms.server.tools.loop import ToolLoop
from lms.server.tools.toolbox import Toolbox


def answered(thread: Thread, way: Exchange, toolbox: Toolbox) -> dict[str, Any]:
    """The body of the reply."""
    output = Output()
    with closing(toolbox), closing(_news(thread, way, toolbox)) as told:
        for news in told:
            output.take(news)
    return thread.kept(output)


def streamed(
    thread: Thread, way: Exchange, toolbox: Toolbox, failed: Callable[[BaseException], Chunk | None]
) -> Generator[tuple[Chunk, ...], None, None]:
    """The events of the reply. Once it has begun, a failure is one of them (as `failed` has it), and not the last."""
    output, telling = Output(), Telling(toolbox)
    try:
        with closing(toolbox), closing(_news(thread, way, toolbox)) as told:
            for news in told:
                output.take(news)
                chunks = tuple(telling.of(news))
                if chunks or telling.begun:
                    yield chunks
        body = thread.kept(output)
    except LmsError as error:
        if not telling.begun:
            raise
        body, failure = output.body(), failed(error)
        yield (*telling.closed(), *([failure] if failure else []))
    yield ({"type": "chat.end", "result": body},)


def _news(thread: Thread, way: Exchange, toolbox: Toolbox) -> Generator[News, None, None]:
    if thread.call.reasoning:  # before anything is loaded, if that can be
        with suppress(ModelNotFound):
            template_variables(thread.call.reasoning, way.backend.resolve(thread.call.lease.model))
    with closing(way.waited(thread.lease)) as answers:
        for answer in answers:
            yield answer
            if isinstance(answer, Lease):
                call = thread.call.asked(thread.messages, answer.model, toolbox.tools)
                with closing(ToolLoop(way, toolbox).news(answer, call)) as news:
                    yield from news
