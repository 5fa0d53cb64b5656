"""What the API needs of the daemon itself. The daemon, a layer above, has these methods."""

from typing import Protocol

from lms.client.control import DaemonStatus, Pace, ServerStart, ServerStatus


class Controls(Protocol):
    """Any method may raise an `LmsError`."""

    @property
    def closed(self) -> bool:
        """Whether the daemon has said its last words: streams end."""

    def status(self) -> DaemonStatus:
        """Raises DaemonUnreachable when nobody may count on the daemon any more, because it ends."""

    def shutdown(self) -> None:
        """Begin to end, with nothing to be restored. Returns at once, `status` refuses from then on."""

    def metrics(self) -> bytes:
        """All figures, in Prometheus' text format."""

    def paces(self) -> list[Pace]:
        """How each model fares that has answered anything."""

    def mcp_socket(self, lost: bool) -> str:
        """Where the process listens that talks to MCP servers, which is started if it does not run. `lost`: it has not
        answered there, so that it may be about to end.

        Raises DaemonFailed.
        """

    def server_status(self) -> ServerStatus: ...

    def start_server(self, wanted: ServerStart) -> ServerStatus:
        """Raises PortTaken or DaemonFailed."""

    def stop_server(self) -> ServerStatus:
        """Raises ServerNotRunning."""
