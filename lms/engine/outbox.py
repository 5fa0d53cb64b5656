"""Bytes on their way into a non-blocking file: whatever the reader does, the writer never waits."""

import os


class Outbox:
    """Unsent bytes for one file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unsent = bytearray()

    @property
    def is_empty(self) -> bool:
        return not self._unsent

    def __len__(self) -> int:
        """Bytes unsent."""
        return len(self._unsent)

    def send(self, content: bytes) -> None:
        """Write what can be written now and keep the rest. Raises OSError when the reader is gone."""
        self._unsent += content
        self.flush()

    def flush(self) -> None:
        """Write what can be written now. Raises OSError when the reader is gone."""
        while self._unsent:
            try:
                written = os.write(self._descriptor, self._unsent)
            except BlockingIOError:
                return
            del self._unsent[:written]
