"""Sessions with servers of `mcp.json`: begun when first needed, shared by requests, ended when nobody needs them."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from lms.errors import McpConnectionError
from lms.mcp.protocol import ToolSpec
from lms.mcp.servers import Reachable, ServersFile
from lms.mcp.session import Session

IDLE_S = 600.0


@dataclass
class Kept:
    """One session. `users` are the requests that hold it; one that is `retired` ends with the last of them."""

    label: str
    server: Reachable
    session: Session
    users: int = 0
    retired: bool = False
    ending: asyncio.TimerHandle | None = None


class Shared:
    """Owns all of them. Everything happens on one event loop."""

    def __init__(self, file: ServersFile, idle_s: float = IDLE_S) -> None:
        self._file = file
        self._idle_s = idle_s
        self._kept: dict[str, Kept] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ends: set[asyncio.Task[None]] = set()

    async def take(self, label: str, param: str) -> tuple[Kept, tuple[ToolSpec, ...]]:
        """The session with the server of that label, until it is given back, and its tools.

        One that answers no more is begun anew. Raises as `ServersFile.server` and `Session` do.
        """
        async with self._turns[label]:
            server = self._file.server(label, param)
            if (kept := self._current(label, server)) is not None:
                try:
                    return self._held(kept), await kept.session.tools()
                except McpConnectionError:
                    self._retire(kept)
                    self.give_back(kept)
                except BaseException:
                    self.give_back(kept)
                    raise
            return await self._begin(label, server)

    def give_back(self, kept: Kept) -> None:
        """The request needs it no more."""
        kept.users -= 1
        if kept.users:
            return
        if kept.retired:
            self._end(kept)
        else:
            kept.ending = asyncio.get_running_loop().call_later(self._idle_s, self._end, kept)

    async def close(self) -> None:
        """End all of them, whoever holds them. Returns when the servers that were started here have ended."""
        for kept in list(self._kept.values()):
            self._end(kept)
        if self._ends:
            await asyncio.wait(self._ends)

    async def _begin(self, label: str, server: Reachable) -> tuple[Kept, tuple[ToolSpec, ...]]:
        session = Session(label)
        await session.connect(server)
        try:
            tools = await session.tools()
        except BaseException:
            await session.close()
            raise
        self._kept[label] = kept = Kept(label, server, session)
        return self._held(kept), tools

    def _current(self, label: str, server: Reachable) -> Kept | None:
        """The session that there is. One with what the file said before is not used again."""
        kept = self._kept.get(label)
        if kept is not None and kept.server != server:
            self._retire(kept)
            return None
        return kept

    def _held(self, kept: Kept) -> Kept:
        kept.users += 1
        if kept.ending is not None:
            kept.ending.cancel()
            kept.ending = None
        return kept

    def _retire(self, kept: Kept) -> None:
        kept.retired = True
        self._kept.pop(kept.label, None)
        if not kept.users:
            self._end(kept)

    def _end(self, kept: Kept) -> None:
        if kept.ending is not None:
            kept.ending.cancel()
        if self._kept.get(kept.label) is kept:
            del self._kept[kept.label]
        task = asyncio.create_task(kept.session.close())
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
