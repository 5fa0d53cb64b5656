"""Waiting in a greenlet, beside `select.poll`, which tells the same of the same sockets."""

import select
import socket
import time
from collections.abc import Callable, Iterator

import gevent
import pytest

from lms.daemon.polling import Poll
from lms.pool.stream import Poll as AnyPoll

PATIENCE_MS = 60
IN, OUT = select.POLLIN, select.POLLOUT


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def say(other: socket.socket) -> None:
    other.send(b"x")


def leave(other: socket.socket) -> None:
    other.close()


def nothing(other: socket.socket) -> None:
    """They neither say nor do anything."""


@pytest.mark.parametrize("act", [say, leave, nothing])
@pytest.mark.parametrize("events", [IN, OUT])
def test_it_tells_what_selects_poll_tells(
    pair: tuple[socket.socket, socket.socket], act: Callable[[socket.socket], None], events: int
) -> None:
    ours, theirs = pair
    act(theirs)
    polls: list[AnyPoll] = [Poll(), select.poll()]
    told = []
    for poll in polls:
        poll.register(ours.fileno(), events)
        told.append([(descriptor, flags & events) for descriptor, flags in poll.poll(1)])
    assert list(told[0]) == told[1]


def test_what_is_modified_or_unregistered_is_not_told_any_more(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    poll = Poll()
    poll.register(ours.fileno(), IN | OUT)
    assert list(poll.poll(PATIENCE_MS)) == [(ours.fileno(), OUT)]
    poll.modify(ours.fileno(), IN)
    assert not poll.poll(1)
    poll.modify(ours.fileno(), IN | OUT)
    poll.unregister(ours.fileno())
    assert not poll.poll(1)


def test_of_two_that_are_ready_each_is_told_in_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    poll = Poll()
    for one, other in (pair, pair[::-1]):
        other.send(b"x")
        poll.register(one.fileno(), IN)
    told = set()
    for one in (*pair, *pair):
        for descriptor, _ in poll.poll(PATIENCE_MS):
            told.add(descriptor)
            if descriptor == one.fileno():
                one.recv(1)
    assert told == {pair[0].fileno(), pair[1].fileno()}


def test_every_wait_has_all_of_its_time(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poll = Poll()
    poll.register(ours.fileno(), IN)
    theirs.send(b"x")
    for _ in range(4):
        spend(PATIENCE_MS / 1000)
        assert poll.poll(PATIENCE_MS)


def test_others_run_meanwhile(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poll = Poll()
    poll.register(ours.fileno(), IN)
    gevent.spawn(theirs.send, b"x")
    assert list(poll.poll(10_000)) == [(ours.fileno(), IN)]


def test_a_wait_that_is_broken_off_leaves_nothing_behind(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poll = Poll()
    poll.register(ours.fileno(), IN)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.001):
        poll.poll(PATIENCE_MS)
    theirs.send(b"x")
    assert not Poll().poll(2 * PATIENCE_MS)
    assert list(poll.poll(PATIENCE_MS)) == [(ours.fileno(), IN)]


def spend(time_s: float) -> None:
    """Work, without a look at what comes meanwhile."""
    until_s = time.monotonic() + time_s
    while time.monotonic() < until_s:
        pass
