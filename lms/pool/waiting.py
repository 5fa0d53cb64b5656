"""Those who have asked the pool for something and wait for it, each at a mailbox of their own."""

import queue
from collections.abc import Callable
from itertools import count
from typing import Any, Generic, TypeVar

from lms.errors import LmsError
from lms.pool.instance import Ticket

A = TypeVar("A")


class Desk:
    """Gives out tickets, and puts letters into the mailboxes that belong to them. Safe to share between threads."""

    def __init__(self) -> None:
        self._tickets = count(1)
        self._boxes: dict[Ticket, queue.SimpleQueue[Any]] = {}

    def open(self) -> "tuple[Ticket, queue.SimpleQueue[Any]]":
        ticket = next(self._tickets)
        box = self._boxes[ticket] = queue.SimpleQueue()
        return ticket, box

    def deliver(self, ticket: Ticket, letter: object) -> None:
        """News for the holder of `ticket`, who goes on waiting."""
        box = self._boxes.get(ticket)
        if box is not None:
            box.put(letter)

    def answer(self, ticket: Ticket, letter: object) -> None:
        """The last letter for the holder of `ticket`, if there still is one."""
        box = self._boxes.pop(ticket, None)
        if box is not None:
            box.put(letter)

    def close(self, ticket: Ticket) -> bool:
        """The holder waits no longer. Returns whether an answer was still to come."""
        return self._boxes.pop(ticket, None) is not None

    def answer_all(self, letter: object) -> None:
        for ticket in list(self._boxes):
            self.answer(ticket, letter)


class Waiting(Generic[A]):
    """Something asked of the pool. Leaving its block calls off what has not been answered.

    `absent` is called when the answer is None: ask again, knowing more.
    """

    def __init__(self, desk: Desk, call_off: Callable[[Ticket], None]) -> None:
        self.ticket, self._box = desk.open()
        self.absent: Callable[[], None] = lambda: None
        self._desk = desk
        self._call_off = call_off

    def __enter__(self) -> "Waiting[A]":
        return self

    def __exit__(self, *_: object) -> None:
        if self._desk.close(self.ticket):
            self._call_off(self.ticket)

    def take(self, timeout_s: float | None = None) -> A:
        """The next news, or the answer. Raises the error that it is, TimeoutError when nothing came in time."""
        try:
            letter: A | LmsError | None = self._box.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if letter is None:
            self.absent()
            return self.take(timeout_s)
        if isinstance(letter, LmsError):
            raise letter
        return letter
