"""The HTTP server as the daemon keeps it: a front process on a socket that the daemon holds.

A front that crashes is started again on the same socket, so its clients wait a moment instead of being refused. Asking
for the port that is in use succeeds; asking for another port moves the server there.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import msgspec

from lms.client.control import Admission, ServerStart, ServerStatus
from lms.config.origins import origins
from lms.config.settings import DEFAULT_HOST, DEFAULT_PORT, Settings
from lms.daemon import listener
from lms.daemon.child import Front, Site, wait_for_greeting
from lms.errors import DaemonFailed, LmsError, PortTaken, ServerNotRunning, UsageError
from lms.logbus.records import Level, LogData, ServerLog
from lms.paths import Home, write_atomically

BACKOFF_S = (0.1, 0.5, 2.0, 10.0)
STEADY_AFTER_S = 30.0
PREDECESSOR_TIMEOUT_S = 3.0
_POLL_S = 0.1


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is on disk about the server. The port outlives a stop, that tokens are asked for, and `origins`, whose pages
    somebody let in by name, settings aside; the rest is for coming back after a crash.
    """

    port: int | None = None
    host: str | None = None
    admission: Admission = Admission()
    wanted: bool = False
    origins: tuple[str, ...] = ()

    def after_stop(self) -> "Remembered":
        admission = Admission(require_auth=self.admission.require_auth)
        return Remembered(self.port, admission=admission, origins=self.origins)


class Serving:
    """Starts, watches and stops the front. Every method may be called from any thread."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        publish: Callable[[LogData], None],
        launch: Callable[[Site, Callable[[LogData], None]], Front] = Front,
    ) -> None:
        self._home = home
        self._settings = settings
        self._publish = publish
        self._launch = launch
        self._lock = threading.RLock()
        self._current: tuple[Site, Front] | None = None
        self._ending = threading.Event()

    def status(self) -> ServerStatus:
        """`running` means that it is wanted and its socket is open, also while a crashed front is started again.

        Never waits for a start that is under way.
        """
        current = self._current
        if current is None:
            return ServerStatus(False, self._remembered().port)
        site, front = current
        return ServerStatus(True, site.port, site.host, site.admission, front.pid)

    def start(self, wanted: ServerStart) -> ServerStatus:
        """Returns once the server answers. Raises PortTaken or UsageError with an earlier server still running, and
        DaemonFailed when the front does not come up.
        """
        return self._started(wanted, wanted.origins)

    def _started(self, wanted: ServerStart, asked: tuple[str, ...] | None) -> ServerStatus:
        """As `start`. The origins `asked` for are remembered; None: those that were."""
        with self._lock:
            host = wanted.host or self._settings.host or DEFAULT_HOST
            port, admission = self._port(wanted, host), self._admission(wanted)
            site = self._site
            there = site is not None and (site.host, site.admission) == (host, admission) and port in (0, site.port)
            if not there:
                self._move(host, port, admission)
            if asked is not None:
                self._remember(msgspec.structs.replace(self._remembered(), origins=asked))
            return self.status()

    def stop(self) -> ServerStatus:
        """Ends the requests in work; models stay loaded. Raises ServerNotRunning."""
        with self._lock:
            site = self._site
            if site is None:
                raise ServerNotRunning("The server is not running.", hint="lms server start starts it.")
            port = site.port
            self._leave()
            remembered = Remembered(port, admission=site.admission, origins=self._remembered().origins)
            self._remember(remembered.after_stop())
            self._say("info", f"The server on {listener.place(site.host, port)} has stopped.")
            return ServerStatus(False, port)

    def restore(self) -> None:
        """Start the server again where an earlier daemon had it. What fails is logged.

        The front of a daemon that was killed tells its clients before it lets go of the port.
        """
        before = self._remembered()
        if not before.wanted:
            return
        where = listener.place(before.host or DEFAULT_HOST, before.port)
        again = ServerStart(before.port, before.host, before.admission.origins, before.admission.require_auth)
        deadline_s, ending = time.monotonic() + PREDECESSOR_TIMEOUT_S, self._ending
        while self._current is None and not ending.is_set():
            try:
                self._started(again, asked=None)
                self._say("info", f"The server is back on {where}, as before the daemon ended.")
            except LmsError as error:
                if not isinstance(error, PortTaken) or time.monotonic() > deadline_s:
                    self._say("error", f"The server on {where} could not be started again: {error}")
                    return
                ending.wait(_POLL_S)

    def forget(self) -> None:
        """A daemon that comes back starts no server; what outlives a stop stays remembered."""
        with self._lock:
            self._remember(self._remembered().after_stop())

    def close(self) -> None:
        """End the front. Whether the server is wanted stays written down."""
        with self._lock:
            self._leave()

    @property
    def _site(self) -> Site | None:
        return self._current[0] if self._current else None

    def _port(self, wanted: ServerStart, host: str) -> int | None:
        if listener.path_of(host):
            if wanted.port is not None:
                raise UsageError(f"{host} has no port.", hint="Give --bind or --port.", param="port")
            return None
        running = self._site.port if self._site else None
        for port in (wanted.port, running, self._settings.port, self._remembered().port):
            if port is not None:
                return port
        return DEFAULT_PORT

    def _admission(self, wanted: ServerStart) -> Admission:
        remembered = self._remembered()
        required = self._settings.require_auth or remembered.admission.require_auth
        return Admission(
            (origins(self._settings.cors) or remembered.origins) if wanted.origins is None else wanted.origins,
            required if wanted.require_auth is None else wanted.require_auth,
        )

    def _move(self, host: str, port: int | None, admission: Admission) -> None:
        """Listen there, then start a front; the old one goes first only when it is in the way."""
        before = self._site
        if before and port == before.port:
            self._leave()
        try:
            bound = listener.bind(host, port)
        except LmsError:
            if before and self._site is None:
                again = listener.bind(before.host, before.port)
                self._enter(Site(before.host, before.port, before.admission, again))
            raise
        self._leave()
        self._enter(Site(host, listener.port_of(bound), admission, bound))

    def _enter(self, site: Site) -> None:
        self._ending = threading.Event()
        try:
            front = self._greeting_front(site)
        except LmsError:
            site.listener.close()
            listener.remove(site.host)
            raise
        self._current = site, front
        asked = self._remembered().origins
        self._remember(Remembered(site.port, site.host, site.admission, wanted=True, origins=asked))
        self._say("info", f"The server is listening on {listener.place(site.host, site.port)}.")
        watch = threading.Thread(target=self._watch, args=(front, self._ending), name="front watch", daemon=True)
        watch.start()

    def _greeting_front(self, site: Site) -> Front:
        """A front that answers. Raises DaemonFailed."""
        try:
            front = self._launch(site, self._publish)
        except OSError as error:
            raise DaemonFailed(f"The HTTP server could not be started: {error}.") from error
        try:
            wait_for_greeting(site, front)
        except LmsError:
            front.stop()
            raise
        return front

    def _leave(self) -> None:
        self._ending.set()
        if self._current:
            site, front = self._current
            front.stop()
            site.listener.close()
            listener.remove(site.host)
        self._current = None

    def _watch(self, front: Front, ending: threading.Event) -> None:
        """Start the front again whenever it ends without being asked to."""
        failures = 0
        while True:
            code = front.wait()
            front.stop()  # lets go of its pipes
            if ending.is_set():
                return
            failures = 0 if time.monotonic() - front.started_s > STEADY_AFTER_S else failures + 1
            self._say("error", f"The front ended by itself (exit code {code}) and is started again.")
            if ending.wait(_backoff_s(failures)):
                return
            while (started := self._start_again(front, ending)) is None:
                failures += 1
                if ending.wait(_backoff_s(failures)):
                    return
            front = started

    def _start_again(self, ended: Front, ending: threading.Event) -> Front | None:
        """The next front; None when it is not wanted any more, or cannot be started now, which is logged."""
        with self._lock:
            if ending.is_set() or self._current is None:
                return None
            try:
                site = _findable(self._current[0])
                self._current = site, ended  # whatever comes, the next attempt knows the new socket
                front = self._launch(site, self._publish)
            except (OSError, LmsError) as error:
                self._say("error", f"The front could not be started again: {error}.")
                return None
            self._current = site, front
            return front

    def _remembered(self) -> Remembered:
        try:
            return msgspec.json.decode(self._home.server_state.read_bytes(), type=Remembered)
        except (OSError, msgspec.DecodeError):
            return Remembered()

    def _remember(self, state: Remembered) -> None:
        try:
            write_atomically(self._home.server_state, msgspec.json.encode(state))
        except OSError as error:
            self._say("error", f"The server's port could not be written down: {error}.")

    def _say(self, level: Level, content: str) -> None:
        self._publish(ServerLog(content, level))


def _findable(site: Site) -> Site:
    """The same place, with a new socket where the old one cannot be found any more: gunicorn, if it is told to end,
    removes a unix socket. Raises as `bind` does.
    """
    path = listener.path_of(site.host)
    if path is None or path.exists():
        return site
    site.listener.close()
    return replace(site, listener=listener.bind(site.host, site.port))


def _backoff_s(failures: int) -> float:
    return BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
