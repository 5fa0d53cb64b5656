"""What a running daemon is made of, and in which order it comes and goes."""

import os
import signal
import threading
import time

import lms
from lms.catalog.catalog import Catalog
from lms.catalog.folders import ModelFolders
from lms.client.control import DaemonStatus, Pace, ServerStart, ServerStatus
from lms.config import settings
from lms.config.models_folder import models_dir
from lms.daemon import journal
from lms.daemon.leases import LeaseServer
from lms.daemon.mcp_host import McpHost
from lms.daemon.serving import Serving
from lms.downloads.downloads import Downloads
from lms.errors import DaemonUnreachable, HistoryFailed
from lms.history.history import MEBIBYTE, History
from lms.logbus.bus import LogBus
from lms.logbus.kept import KeptLog
from lms.logbus.records import LogData, RecordedRequest, RuntimeLog, ServerLog, record
from lms.paths import Home, bundled_models_dir
from lms.pool.pool import Pool
from lms.pool.rows import OnDisk
from lms.server.internal.pace import Paces
from lms.server.operations.metrics import Meter


class Daemon:
    """The pool, the HTTP server and the logs of one home. Lives in gunicorn's worker, whose parent is `master_pid`."""

    def __init__(self, home: Home, master_pid: int) -> None:
        """Begins to restore what an earlier daemon had loaded. Raises UsageError when a setting is wrong."""
        self._home = home
        self._master_pid = master_pid
        self._started_s = time.time()
        self._ending = threading.Event()
        self._closing = threading.Lock()
        self._closed = threading.Event()
        in_force = settings.read(home.settings)
        self.bus = LogBus()
        in_place = ModelFolders(home.model_folders).there
        self._models_dir = models_dir(home)  # the one of this daemon, whatever is set from now on
        catalog = Catalog(self._models_dir, bundled_models_dir(), home.catalog_cache, in_place)
        _remove_sockets(home)
        self.pool = Pool(home, OnDisk(catalog), in_force, self.bus, journal.write)
        self._meter = Meter(self.pool.instances)
        self.bus.listen(self._meter.heard)
        self._paces = Paces()
        self.bus.listen(self._paces.heard)
        self._kept = KeptLog(home.events, in_force.log_disk_mb * MEBIBYTE, in_force.record)
        self.bus.listen(self._kept.heard)
        self.record = in_force.record
        self.history = History(home.history, in_force.response_days, in_force.response_disk_mb * MEBIBYTE)
        self.separate_reasoning = in_force.separate_reasoning
        self.lenient = in_force.lenient
        self.serving = Serving(home, in_force, self._publish)
        self._mcp_host = McpHost(home, self._publish)
        self.downloads = Downloads(home, self._models_dir, self._tell, lambda: catalog.listing(max_age_s=0))
        self._say(f"The daemon has started (version {lms.__version__}).")
        self.pool.restore()
        self.downloads.restore()
        self._leases = LeaseServer(self.pool, home.lease_socket)
        threading.Thread(target=self._restore, name="restore", daemon=True).start()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def status(self) -> DaemonStatus:
        if self._ending.is_set():
            raise DaemonUnreachable("The daemon is ending.")
        return DaemonStatus(
            pid=self._master_pid,
            version=lms.__version__,
            started_s=self._started_s,
            home=str(self._home.root),
            models_dir=str(self._models_dir),
            server=self.serving.status(),
        )

    def shutdown(self) -> None:
        """What was wanted is forgotten, and gunicorn asked to end: by its child, so the signal meets no stranger.

        From now on `status` answers nobody, so that whoever looks for a daemon starts the next one.
        """
        self._ending.set()
        self.serving.forget()
        self.pool.forget()
        if os.getppid() == self._master_pid:
            os.kill(self._master_pid, signal.SIGTERM)

    def metrics(self) -> bytes:
        return self._meter.exposition()

    def paces(self) -> list[Pace]:
        return self._paces.rows()

    def mcp_socket(self, lost: bool) -> str:
        return self._mcp_host.socket(lost)

    def server_status(self) -> ServerStatus:
        return self.serving.status()

    def start_server(self, wanted: ServerStart) -> ServerStatus:
        return self.serving.start(wanted)

    def stop_server(self) -> ServerStatus:
        return self.serving.stop()

    def close(self) -> None:
        """End the front, MCP servers and all engines. A second call waits for the first."""
        self._ending.set()
        if self._closing.acquire(blocking=False):
            try:
                self.serving.close()
                self._leases.close()
                self._mcp_host.close()
                self.downloads.close()
                self.pool.close()
                self._say("The daemon has ended.")
            finally:
                self._closed.set()
                self._kept.close()
        self._closed.wait()

    def log_request(self, data: LogData) -> None:
        """Requests on the private socket are the CLI's and the front's own: only failures are news, and recordings."""
        if isinstance(data, RecordedRequest) or (isinstance(data, ServerLog) and data.level == "error"):
            self._publish(data)

    def _restore(self) -> None:
        """What takes a while, and nobody waits for."""
        self.serving.restore()
        try:
            self.history.sweep()
        except HistoryFailed as error:
            self._publish(ServerLog(str(error), "error"))

    def _say(self, message: str) -> None:
        self._tell(message, False)

    def _tell(self, message: str, is_bad: bool) -> None:
        self._publish(RuntimeLog("error" if is_bad else "info", message, "lms", lms.__version__, "daemon"))

    def _publish(self, data: LogData) -> None:
        published = record(data)
        self.bus.publish(published)
        journal.write(published)


def _remove_sockets(home: Home) -> None:
    """Sockets of engines that a daemon before us left behind: none is in use, since we hold the lock."""
    for leftover in home.run.glob("engine-*.sock"):
        leftover.unlink(missing_ok=True)
