"""What every command stands on: a home, an output, and the daemon when it asks for it. Tests give a fake one."""

import io
import os
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from lms.cli.output import Output
from lms.errors import UsageError
from lms.paths import Home

if TYPE_CHECKING:
    from lms.catalog.offers import FoundRepo
    from lms.client import control
    from lms.client.remote import Place
    from lms.logbus.records import LogRecord


class Daemon(Protocol):
    """What the commands ask of the daemon (`lms.client.DaemonClient`). Any method may raise an `LmsError`."""

    def status(self) -> "control.DaemonStatus": ...
    def skew(self) -> str | None: ...
    def shutdown(self) -> None: ...
    def server_status(self) -> "control.ServerStatus": ...
    def start_server(self, start: "control.ServerStart") -> "control.ServerStatus": ...
    def stop_server(self) -> "control.ServerStatus": ...
    def models(self) -> "list[control.ModelRow]": ...
    def instances(self) -> "list[control.InstanceRow]": ...
    def paces(self) -> "list[control.Pace]": ...
    def resolve(self, typed: str, fuzzy: bool = False) -> "control.ModelRow": ...
    def load(
        self, request: "control.LoadRequest"
    ) -> "Generator[control.LoadProgress | control.LoadDone, None, None]": ...
    def estimate(self, request: "control.LoadRequest") -> "control.MemoryEstimate": ...
    def unload(self, identifier: str) -> "control.InstanceRow": ...
    def logs(self) -> "Generator[LogRecord, None, None]": ...
    def send(self, path: str, body: str) -> Generator[str, None, None]: ...
    def search(self, search: "control.HubSearch") -> "list[FoundRepo]": ...
    def look_up(self, request: "control.DownloadRequest") -> "control.RepoOffers": ...
    def downloads(self) -> "list[control.DownloadRow]": ...
    def start_download(self, request: "control.DownloadRequest") -> "control.DownloadRow": ...
    def follow_download(self, job_id: str) -> "Generator[control.DownloadRow, None, None]": ...
    def pause_download(self, job_id: str) -> "control.DownloadRow": ...
    def cancel_download(self, job_id: str) -> "control.DownloadRow": ...
    def chat(self, body: dict[str, Any]) -> Generator[dict[str, Any], None, None]: ...


def _client(home: Home) -> Daemon:
    from lms.client import DaemonClient

    return DaemonClient(home)


def _reach(place: "Place", token: str | None) -> Daemon:
    from lms.client.remote import RemoteClient

    return RemoteClient(place, token)


def _ensure(home: Home, on_start: Callable[[], None]) -> Daemon:
    from lms.client.launch import ensure_daemon

    return ensure_daemon(home, on_start)


@dataclass
class Session:
    """One run of the command line. `client` never starts the daemon, `ensure` does when it is not there; `reach` is for
    that of another machine, where `place` names one.
    """

    home: Home
    output: Output
    stdin: TextIO
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    client: Callable[[Home], Daemon] = _client
    ensure: Callable[[Home, Callable[[], None]], Daemon] = _ensure
    reach: "Callable[[Place, str | None], Daemon]" = _reach
    place: "Place | None" = None

    @classmethod
    def of_process(cls) -> "Session":
        return cls(Home.from_environment(), Output.of_process(), sys.stdin or io.StringIO())

    def daemon(self) -> Daemon:
        """The daemon, started first if need be, with a warning if it is of another version. Raises DaemonFailed; of
        another machine as `RemoteClient`.
        """
        daemon = self._remote_daemon() or self.ensure(self.home, lambda: self.output.say("Waking up the lms daemon…"))
        warning = daemon.skew()
        if warning:
            self.output.warn(warning)
        return daemon

    def running_daemon(self) -> Daemon:
        """The daemon as it is: its methods raise DaemonUnreachable when it is off."""
        return self._remote_daemon() or self.client(self.home)

    def require_here(self, what: str) -> None:
        """Raises UsageError where another machine is asked: `what` is only on this one."""
        if self.place:
            raise UsageError(f"{what} is only for models of this machine, not for those at {self.place}.")

    def _remote_daemon(self) -> Daemon | None:
        if self.place is None:
            return None
        from lms.cli.remote import token

        return self.reach(self.place, token(self.environ))

    @property
    def can_ask(self) -> bool:
        """Whether somebody sits at the other end who can answer a question."""
        return self.stdin.isatty() and self.output.reaches_a_person and not self.output.as_json
