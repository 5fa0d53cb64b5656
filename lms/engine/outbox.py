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
        if self._unsent:
            self._unsent += content
            self.flush()
        elif (written := self._write(content)) < len(content):
            self._unsent += content[written:]

    def flush(self) -> None:
        """Write what can be written now. Raises OSError when the reader is gone."""
        while self._unsent and (written := self._write(self._unsent)):
            del self._unsent[:written]

    def _write(self, content: bytes | bytearray) -> int:
        try:
            return os.write(self._descriptor, content)
        except BlockingIOError:
            return 0
