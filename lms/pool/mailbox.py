"""Where somebody waits for the answers to what they asked the pool."""

import queue
from typing import Generic, TypeVar

from lms.errors import LmsError

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One asker's news and answers, in order. Filled by the pool's thread, emptied by the asker's."""

    def __init__(self) -> None:
        self._letters: queue.SimpleQueue[T | LmsError] = queue.SimpleQueue()

    def put(self, letter: T | LmsError) -> None:
        self._letters.put(letter)

    def take(self, timeout_s: float | None = None) -> T:
        """The next letter. Raises the error that it is, and TimeoutError when none came within `timeout_s`."""
        try:
            letter = self._letters.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(letter, LmsError):
            raise letter
        return letter
