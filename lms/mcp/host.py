"""What the process does that talks to MCP servers: one visit for each connection of the front."""

import asyncio
import socket
from contextlib import suppress

from lms.errors import LmsError, McpConnectionError, to_wire
from lms.mcp.arguments import complaint
from lms.mcp.protocol import (
    Answer,
    Asked,
    Called,
    CallTool,
    Configured,
    Ephemeral,
    Open,
    Opened,
    Refused,
    WrongArguments,
)
from lms.mcp.servers import Remote
from lms.mcp.session import Session
from lms.mcp.shared import Kept, Shared
from lms.wire import BrokenFrame, Unpacker, pack

_READ_BYTES = 1 << 16


class Host:
    """Serves one socket until `close`."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._visits: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    async def listen(self, listener: socket.socket) -> None:
        """Returns at once."""
        self._listening = await asyncio.start_unix_server(self._welcome, sock=listener)

    async def close(self) -> None:
        """Send everybody away, and end all sessions."""
        if self._listening is not None:
            self._listening.close()
        for visit in self._visits:
            visit.cancel()
        if self._visits:
            await asyncio.wait(self._visits)
        await self._shared.close()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        visit = _Visit(self._shared)
        try:
            with suppress(OSError, BrokenFrame, asyncio.CancelledError):
                await _converse(visit, reader, writer)
        finally:
            self._visits.discard(task)
            writer.close()
            await visit.close()


async def _converse(visit: "_Visit", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one question after the other. Whoever hangs up, or asks again too soon, gets no answer."""
    unpacker: Unpacker[Asked] = Unpacker(Asked)
    while received := await reader.read(_READ_BYTES):
        for asked in unpacker.feed(received):
            answering = asyncio.create_task(visit.answer(asked))
            hanging_up = asyncio.create_task(reader.read(1))
            try:
                await asyncio.wait({answering, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not answering.done():
                    answering.cancel()
                    await asyncio.wait({answering})
                hanging_up.cancel()
                await asyncio.wait({hanging_up})
            if answering.cancelled() or not hanging_up.cancelled():
                return
            writer.write(pack(answering.result()))
            await writer.drain()


class _Visit:
    """The servers that one HTTP request uses, by the labels that it gave them."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._sessions: dict[str, Session] = {}
        self._schemas: dict[str, dict[str, dict[str, object]]] = {}
        self._own: list[Session] = []
        self._kept: list[Kept] = []

    async def answer(self, asked: Asked) -> Answer:
        try:
            return await (self._open(asked) if isinstance(asked, Open) else self._call(asked))
        except LmsError as error:
            param = getattr(asked, "param", None)
            error.param = error.param or param
            return Refused(to_wire(error))

    async def close(self) -> None:
        for kept in self._kept:
            self._shared.give_back(kept)
        if self._own:
            await asyncio.gather(*(session.close() for session in self._own))

    async def _open(self, asked: Open) -> Opened:
        match asked.server:
            case Configured():
                kept, tools = await self._shared.take(asked.label, asked.param)
                self._kept.append(kept)
                session = kept.session
            case Ephemeral(url, headers):
                session = Session(asked.label)
                self._own.append(session)
                await session.connect(Remote(url, headers))
                tools = await session.tools()
        self._sessions[asked.label] = session
        self._schemas[asked.label] = {tool.name: tool.input_schema for tool in tools}
        return Opened(tools)

    async def _call(self, asked: CallTool) -> Called | WrongArguments:
        session = self._sessions.get(asked.label)
        if session is None:
            raise McpConnectionError(f"The MCP server “{asked.label}” is not open.")
        wrong = complaint(asked.arguments, self._schemas[asked.label].get(asked.tool, {}))
        return WrongArguments(wrong) if wrong else await session.call(asked.tool, asked.arguments)
