"""gunicorn as the daemon uses it: one worker with many threads on a private unix socket."""

import errno
import os
import signal
import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from lms.config.presets import Presets
from lms.daemon.application import Application
from lms.daemon.service import Daemon
from lms.paths import Home
from lms.server.app import create_app
from lms.server.internal import downloads
from lms.server.internal.routes import blueprint

# Started when they are needed: for chats of the command line, loads, logs and downloads, as long as each takes.
THREADS = 512
CONNECTIONS = 4096
HEARTBEAT_TIMEOUT_S = 120
GRACE_S = 15
KEEPALIVE_S = 60
# What streams have to end after the daemon has, with their last lines.
LAST_WORDS_S = 1.0
OUT_OF_DESCRIPTORS_S = 0.05


class DaemonWorker(ThreadWorker):
    """Ends what the daemon holds as soon as it is told to go, since open streams would hold up a polite end. Outlives
    a moment without descriptors.
    """

    def accept(self, listener: Any) -> None:
        try:
            super().accept(listener)  # type: ignore[no-untyped-call]
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            time.sleep(OUT_OF_DESCRIPTORS_S)  # the client waits in the socket, and would be tried at once again

    def handle_exit(self, sig: int, frame: Any) -> None:
        self.cfg.worker_int(self)
        super().handle_exit(sig, frame)  # type: ignore[no-untyped-call]

    def handle_quit(self, sig: int, frame: Any) -> None:
        """As politely. gunicorn's own way takes a lock of its threads, which the main thread may hold when the signal
        comes, and then waits for ever."""
        self.handle_exit(sig, frame)


class Master:
    """The daemon's first process, and in the worker that it forks the daemon itself.

    The worker comes to know of its master's death by a pipe, at once. gunicorn would look once a second, and meanwhile
    the next daemon could not start.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._daemon: Daemon | None = None
        self._master_lives, self._i_live = os.pipe()

    def run(self) -> None:
        """Serve until told to end. Leaves by SystemExit."""
        options = {
            "bind": f"unix:{self._home.daemon_socket}",
            "umask": 0o177,
            "worker_class": DaemonWorker,
            "threads": THREADS,
            "worker_connections": CONNECTIONS,
            "timeout": HEARTBEAT_TIMEOUT_S,
            "graceful_timeout": GRACE_S,
            "keepalive": KEEPALIVE_S,
            "loglevel": "warning",
            "proc_name": "lms-daemon",
            "post_fork": self._after_fork,
            "post_worker_init": self._watch_master,
            "worker_int": self._begin_to_close,
            "worker_exit": self._after_worker,
        }
        Application(self._home, options, self._load).serve()

    def _load(self) -> Any:
        self._daemon = daemon = Daemon(self._home, os.getppid())
        api = blueprint(daemon.pool, daemon, daemon.bus)
        api.register_blueprint(downloads.blueprint(daemon.downloads))
        return create_app(
            daemon.pool,
            daemon.history,
            internal=api,
            log=daemon.log_request,
            metrics=daemon.metrics,
            separate_reasoning=daemon.separate_reasoning,
            lenient=daemon.lenient,
            record=daemon.record,
            downloads=daemon.downloads,
            presets=Presets(self._home.presets),
        )

    def _after_fork(self, _arbiter: Any, _worker: Any) -> None:
        os.close(self._i_live)

    def _watch_master(self, _worker: Any) -> None:
        def wait() -> None:
            os.read(self._master_lives, 1)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=wait, name="master watch", daemon=True).start()

    def _begin_to_close(self, _worker: Any) -> None:
        """On a thread, because signal handlers must return. A reader that does not read could hold up the end for ever:
        it is cut off.
        """

        def close() -> None:
            self._close()
            time.sleep(LAST_WORDS_S)
            os._exit(0)

        threading.Thread(target=close, name="close", daemon=True).start()

    def _after_worker(self, _arbiter: Any, _worker: Any) -> None:
        self._close()

    def _close(self) -> None:
        if self._daemon:
            self._daemon.close()
