"""`python -m lms.daemon.front`: the HTTP server that clients call, on a socket that the daemon has bound.

It holds no state but the stored responses on disk: it asks the daemon for leases and talks to the engines. It runs on
gevent, so a client that sends half a request costs a greenlet and nobody's time. It ends when its stdin closes.

A token of one of 16 streams takes some 30 µs here: 11 in the kernel (one read, one write, a part of one wait), 15 in
Python, 4 in gevent. A lone stream's takes twice as much, because it finds the processor asleep and the caches cold; and
waking the front, if it sleeps on another processor of a virtual machine, costs the engine 20 µs of its own.
"""

# ruff: noqa: E402 - nothing may be imported before gevent has replaced what blocks
from gevent import monkey

monkey.patch_all()

import argparse
import os
import signal
import sys
import threading
import time
from typing import Any

import gevent
import gevent.socket
import msgspec
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from lms.client import DaemonClient
from lms.config import settings
from lms.config.presets import Presets
from lms.config.tokens import TokenFile
from lms.daemon.application import Application
from lms.daemon.client_socket import ClientSocket
from lms.daemon.polling import Poll
from lms.daemon.refusals import refuse
from lms.errors import ServerStopped
from lms.history.history import MEBIBYTE, History
from lms.limits import allow_descriptors
from lms.logbus.records import LogData
from lms.paths import Home
from lms.server.app import create_app
from lms.server.tools.access import McpAccess

CONNECTIONS = 2000
# How long a request's head may take, and how long a connection may wait for its next request.
HEAD_TIMEOUT_S = 10
# How long a client may pause inside its body, or not read its answer.
PAUSE_TIMEOUT_S = 60
GRACE_S = 1
HEARTBEAT_TIMEOUT_S = 60
# What clients have to hear that the server stops.
LAST_WORDS_S = 1.0
_POLL_S = 0.01


class FrontWorker(GeventWorker):
    """Gives up on clients that pause for too long, refuses what is no HTTP with an error object, and tells whoever
    waits for an answer that the server stops.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # type: ignore[no-untyped-call]
        self._answering: set[Any] = set()
        self._stops = False

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        if self._stops:
            client.close()
            return
        ours = ClientSocket.taking_over(client)
        ours.settimeout(PAUSE_TIMEOUT_S)
        AsyncWorker.handle(self, listener, ours, addr)  # type: ignore[no-untyped-call]

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        ours = gevent.getcurrent()
        self._answering.add(ours)
        try:
            super().handle_request(listener_name, req, sock, addr)  # type: ignore[no-untyped-call]
        finally:
            self._answering.discard(ours)

    def break_off(self) -> None:
        """End all answers with an error, where they just wait: the app tells it in the dialect of each."""
        self._stops = True
        for greenlet in list(self._answering):
            greenlet.kill(ServerStopped("The server was stopped before this was answered."), block=False)
        deadline_s = time.monotonic() + LAST_WORDS_S
        while self._answering and time.monotonic() < deadline_s:
            gevent.sleep(_POLL_S)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        refuse(client, exc, _print)


def main() -> None:
    """Serve until stdin closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--origin", action="append", default=[])
    parser.add_argument("--require-auth", action="store_true")
    asked = parser.parse_args()
    allow_descriptors()
    options = {
        "bind": f"fd://{asked.fd}",
        "worker_class": FrontWorker,
        "worker_connections": CONNECTIONS,
        "timeout": HEARTBEAT_TIMEOUT_S,
        "graceful_timeout": GRACE_S,
        "keepalive": HEAD_TIMEOUT_S,
        "limit_request_line": 8190,
        "limit_request_fields": 100,
        "limit_request_field_size": 8190,
        "loglevel": "critical",
        "proc_name": "lms-front",
        "post_worker_init": _watch_daemon,
    }
    home = Home.from_environment()

    def load() -> Any:
        in_force = settings.read(home.settings)
        history = History(home.history, in_force.response_days, in_force.response_disk_mb * MEBIBYTE)
        daemon = DaemonClient(home)
        return create_app(
            daemon,
            history,
            relay=daemon.relay,
            origins=tuple(asked.origin),
            tokens=TokenFile(home.tokens) if asked.require_auth else None,
            log=_print,
            new_poll=Poll,
            metrics=daemon.metrics,
            separate_reasoning=in_force.separate_reasoning,
            lenient=in_force.lenient,
            record=in_force.record,
            downloads=daemon,
            presets=Presets(home.presets),
            mcp=McpAccess(daemon.mcp_socket, in_force.allow_ephemeral_mcp, in_force.allow_mcp_json),
        )

    Application(home, options, load).serve()


def _watch_daemon(worker: Any) -> None:
    """End with the daemon: it holds the other end of stdin. Clients hear of it; the master, our parent, goes first."""

    def wait() -> None:
        gevent.socket.wait_read(0)
        worker.break_off()
        if os.getppid() == worker.ppid:
            os.kill(worker.ppid, signal.SIGQUIT)
        os._exit(0)

    gevent.spawn(wait)


_printing = threading.Lock()


def _print(data: LogData) -> None:
    """One line of JSON for the daemon, which publishes it."""
    with _printing:
        sys.stdout.buffer.write(msgspec.json.encode(data) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
