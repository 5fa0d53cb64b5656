"""`python -m lms.mcp SOCKET MCP_JSON`: talks to MCP servers. Started by the daemon, which holds its stdin.

It says `ready` on stdout once its socket answers, and ends when its stdin does, with every server that it has started.
"""

import asyncio
import logging
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from lms.limits import allow_descriptors
from lms.mcp.host import Host
from lms.mcp.servers import ServersFile
from lms.mcp.shared import Shared

BACKLOG = 1024


def main() -> None:
    """Serve until stdin ends."""
    allow_descriptors()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal that started the daemon is not for us
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    path, servers = sys.argv[1:]
    asyncio.run(_serve(_listener(Path(path)), ServersFile(Path(servers))))


async def _serve(listener: socket.socket, file: ServersFile) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), ended.set)  # nothing is ever written there
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    host = Host(Shared(file))
    await host.listen(listener)
    print("ready", flush=True)
    await ended.wait()
    loop.remove_reader(sys.stdin.fileno())
    await host.close()


def _listener(path: Path) -> socket.socket:
    """The socket of this process; an earlier one may have left its own behind."""
    with suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(BACKLOG)
    return listener


if __name__ == "__main__":
    main()
