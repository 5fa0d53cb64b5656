"""A client's connection, made for many small pieces: the next token of a stream almost always fits into its buffer."""

import os
from typing import Any, Self

import gevent.socket


class ClientSocket(gevent.socket.socket):
    """A gevent socket that sends at once what it can. gevent's `sendall` asks for the buffer's size every time."""

    @classmethod
    def taking_over(cls, client: gevent.socket.socket) -> Self:
        """The same connection, which is no longer `client`'s."""
        return cls(client.family, client.type, client.proto, client.detach())

    def sendall(self, content: Any, flags: int = 0) -> None:
        """Send everything, waiting for room as long as the timeout says. Raises OSError when the client is gone."""
        sent = 0 if flags else self._send_now(content)
        if sent < len(content):
            super().sendall(memoryview(content)[sent:], flags)

    def _send_now(self, content: Any) -> int:
        try:
            return os.write(self.fileno(), content)
        except BlockingIOError:
            return 0
