"""How long servers that were started here stay, and how long they may take to answer."""

import asyncio
from pathlib import Path

import msgspec
import psutil

from lms.mcp.protocol import Called
from lms.mcp.servers import Local, ServersFile
from lms.mcp.session import Session, failure
from lms.mcp.shared import Kept, Shared
from tests.mcp.processes import HERE, PATIENCE_S


def shared(folder: Path, idle_s: float) -> Shared:
    (folder / "mcp.json").write_bytes(msgspec.json.encode({"mcpServers": {"files": HERE}}))
    return Shared(ServersFile(folder / "mcp.json"), idle_s)


async def pid_of(kept: Kept) -> int:
    return int((await kept.session.call("pid", {})).content[0]["text"])


async def gone(pid: int) -> None:
    """Returns when that process has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while psutil.pid_exists(pid):
            await asyncio.sleep(0.02)


def test_a_server_that_nobody_needs_for_a_while_is_ended(tmp_path: Path) -> None:
    async def run() -> None:
        sessions = shared(tmp_path, idle_s=0)
        kept, _ = await sessions.take("files", "integrations[0]")
        pid = await pid_of(kept)
        sessions.give_back(kept)
        await gone(pid)
        await sessions.close()

    asyncio.run(run())


def test_a_server_that_somebody_holds_is_not_idle(tmp_path: Path) -> None:
    async def run() -> None:
        sessions = shared(tmp_path, idle_s=0)
        kept, _ = await sessions.take("files", "integrations[0]")
        other, _ = await sessions.take("files", "integrations[0]")
        pid = await pid_of(kept)
        sessions.give_back(other)
        await asyncio.sleep(0)
        assert (other, await pid_of(kept)) == (kept, pid)
        sessions.give_back(kept)
        await gone(pid)
        await sessions.close()

    asyncio.run(run())


def test_many_that_need_it_at_once_get_one_server(tmp_path: Path) -> None:
    async def run() -> None:
        sessions = shared(tmp_path, idle_s=60)
        taken = await asyncio.gather(*(sessions.take("files", "integrations[0]") for _ in range(5)))
        assert len({id(kept) for kept, _ in taken}) == 1
        await sessions.close()

    asyncio.run(run())


def test_a_call_that_takes_too_long_is_a_failure(tmp_path: Path) -> None:
    async def run() -> Called:
        session = Session("files", call_timeout_s=1)
        await session.connect(Local(str(HERE["command"]), tuple(HERE["args"])))
        try:
            return await session.call("slow", {"note": str(tmp_path / "note")})
        finally:
            await session.close()

    assert asyncio.run(run()) == failure("The tool did not answer within 1 s.")
