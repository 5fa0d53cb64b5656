"""From an engine's batches to a response that is stored before the client hears that it is complete: whoever goes on
from it at once finds it. A response whose client leaves is stored as cancelled, as far as it came.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lms.client.control import Lease
from lms.errors import LmsError
from lms.pool.stream import ClientGone
from lms.server.answers import Batch, Head, Tagged
from lms.server.openai.responses.dialect import RESPONSES
from lms.server.openai.responses.keeping import Keeper
from lms.server.openai.responses.reply import End, Reply
from lms.server.sse import Chunk


@dataclass(frozen=True)
class Answering:
    """One reply, and where it is kept."""

    reply: Reply
    keeper: Keeper

    def body(self, batches: Iterable[Batch], lease: Lease) -> dict[str, Any]:
        """The whole response to a request that does not stream."""
        self.reply.begin(lease)
        for batch in batches:
            self.reply.of(batch)
        self.keeper.keep(self.reply)
        return self.reply.body()

    def chunks(self, batches: Iterable[Tagged], head: Head) -> Iterator[tuple[Chunk, ...]]:
        """The events of a streamed response, batch by batch; a batch without news is empty.

        The first ones wait for the engine's first batch, since what it refuses can be a status until then.
        """
        try:
            for _, batch in batches:
                yield self._chunks(batch, head.lease)
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

    def _chunks(self, batch: Batch, lease: Lease) -> tuple[Chunk, ...]:
        begun = () if self.reply.has_begun else self.reply.begin(lease)
        news = self.reply.of(batch)
        if not self.reply.end:
            return (*begun, *news)
        self.keeper.keep(self.reply)
        return (*begun, *news, self.reply.ending())
