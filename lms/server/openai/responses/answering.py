"""From an engine's batches to a response that is stored before the client hears that it is complete: whoever goes on
from it at once finds it. A response whose client leaves is stored as cancelled, as far as it came.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lms.client.control import Lease
from lms.errors import LmsError
from lms.pool.stream import ClientGone
from lms.server.answers import Head
from lms.server.openai.responses.dialect import RESPONSES
from lms.server.openai.responses.keeping import Keeper
from lms.server.openai.responses.reply import End, Reply
from lms.server.sse import Chunk
from lms.server.tools.loop import News


@dataclass(frozen=True)
class Answering:
    """One reply, and where it is kept."""

    reply: Reply
    keeper: Keeper

    def body(self, happened: Iterable[News], lease: Lease) -> dict[str, Any]:
        """The whole response to a request that does not stream."""
        self.reply.begin(lease)
        for news in happened:
            self.reply.of(news)
        self.keeper.keep(self.reply)
        return self.reply.body()

    def chunks(self, happened: Iterable[News], head: Head) -> Iterator[tuple[Chunk, ...]]:
        """The events of a streamed response, batch by batch; a batch without events is empty.

        The first ones wait for the engine's first batch, since what it refuses can be a status until then.
        """
        try:
            for news in happened:
                yield self._chunks(news, head.lease)
        except (ClientGone, GeneratorExit):
            if self._is_under_way:
                self._break_off("cancelled")
            raise

    def told(self, error: LmsError) -> Chunk:
        """What a stream says that fails: the response as far as it came, or just the error before there is one."""
        if not self._is_under_way:
            return RESPONSES.told_in_stream(error)
        self._break_off("failed", error)
        return self.reply.ending()

    @property
    def _is_under_way(self) -> bool:
        return self.reply.has_begun and self.reply.end is None

    def _break_off(self, end: End, error: LmsError | None = None) -> None:
        self.reply.break_off(end, error)
        self.keeper.keep(self.reply)

    def _chunks(self, news: News, lease: Lease) -> tuple[Chunk, ...]:
        begun = () if self.reply.has_begun else self.reply.begin(lease)
        told = self.reply.of(news)
        if not self.reply.end:
            return (*begun, *told)
        self.keeper.keep(self.reply)
        return (*begun, *told, self.reply.ending())
