"""A daemon in this process: the real API over a real unix socket, the real pool, and engines that are actors."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

import lms
from lms.client.control import Admission, DaemonStatus, Pace, ServerStart, ServerStatus
from lms.config.settings import Settings
from lms.daemon.leases import LeaseServer
from lms.errors import PortTaken, ServerNotRunning
from lms.logbus.bus import LogBus, Subscription
from lms.paths import Home
from lms.pool.pool import Pool
from lms.server.internal.routes import blueprint
from tests.pool.actors import Shelf, Stage


class Silent(WSGIRequestHandler):
    """A request handler that logs nothing, as no terminal wants it."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


@dataclass
class StillControls:
    """`Controls` of a daemon whose server exists in words only."""

    closed: bool = False
    version: str = lms.__version__
    server: ServerStatus = field(default_factory=lambda: ServerStatus(False))
    shut_down: bool = False

    def status(self) -> DaemonStatus:
        return DaemonStatus(1, self.version, 0.0, "/home", "/models", self.server)

    def shutdown(self) -> None:
        self.shut_down = True

    def metrics(self) -> bytes:
        return b"lms_build 1.0\n"

    def paces(self) -> list[Pace]:
        return [Pace("tiny", 1, 10, 5.0, 30)]

    def mcp_socket(self, lost: bool) -> str:
        return "/run/mcp.sock again" if lost else "/run/mcp.sock"

    def server_status(self) -> ServerStatus:
        return self.server

    def start_server(self, wanted: ServerStart) -> ServerStatus:
        if wanted.port == 80:
            raise PortTaken("Port 80 is taken by nginx (process 7).", hint="Choose another one.")
        self.server = ServerStatus(True, wanted.port, wanted.host, Admission(wanted.origins or ()), 2)
        return self.server

    def stop_server(self) -> ServerStatus:
        raise ServerNotRunning("The server is not running.")


class CountingBus(LogBus):
    """A bus that knows how many read it."""

    readers = 0

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        with super().subscribe() as subscription:
            self.readers += 1
            try:
                yield subscription
            finally:
                self.readers -= 1


class InProcessDaemon:
    """Serves from its making until `close`."""

    def __init__(self, home: Home, at_once_ready: bool = True, waiting_leases: int = 3) -> None:
        home.run.mkdir(parents=True, exist_ok=True)
        self.stage = Stage(at_once_ready)
        self.bus = CountingBus(capacity=10)
        self.controls = StillControls()
        self.pool = Pool(home, Shelf(), Settings(), self.bus, spawn=self.stage.spawn, environ={})
        app = Flask("daemon")
        app.register_blueprint(blueprint(self.pool, self.controls, self.bus))
        self._leases = LeaseServer(self.pool, home.lease_socket, waiting_leases)
        address = f"unix://{home.daemon_socket}"
        self._server = make_server(address, 0, app, threaded=True, request_handler=Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self.controls.closed = True
        self._leases.close()
        self.pool.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
