"""What the API needs of the daemon itself. The daemon, a layer above, has these methods."""

from typing import Protocol

from lms.client.control import DaemonStatus, ServerStart, ServerStatus


class Controls(Protocol):
    """Any method may raise an `LmsError`."""

    @property
    def closing(self) -> bool:
        """Whether the daemon is on its way out: streams end, and nobody may count on it."""

    def status(self) -> DaemonStatus: ...

    def shutdown(self) -> None:
        """Begin to end, with nothing to be restored. Returns at once."""

    def server_status(self) -> ServerStatus: ...

    def start_server(self, wanted: ServerStart) -> ServerStatus:
        """Raises PortTaken or DaemonFailed."""

    def stop_server(self) -> ServerStatus:
        """Raises ServerNotRunning."""
