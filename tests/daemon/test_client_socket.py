"""A client's connection over real sockets, read by another greenlet."""

from collections.abc import Iterator

import gevent
import gevent.socket
import pytest

from lms.daemon.client_socket import ClientSocket


@pytest.fixture
def pair() -> Iterator[tuple[ClientSocket, gevent.socket.socket]]:
    accepted, client = gevent.socket.socketpair()
    with ClientSocket.taking_over(accepted) as ours, client:
        yield ours, client


def test_it_goes_on_where_the_other_socket_was(pair: tuple[ClientSocket, gevent.socket.socket]) -> None:
    ours, client = pair
    client.sendall(b"hello")
    assert ours.recv(5) == b"hello"
    ours.sendall(b"you")
    assert client.recv(5) == b"you"


def test_the_other_socket_may_be_closed() -> None:
    accepted, client = gevent.socket.socketpair()
    with ClientSocket.taking_over(accepted) as ours, client:
        accepted.close()
        ours.sendall(b"still here")
        assert client.recv(20) == b"still here"


def test_more_than_the_buffer_holds_arrives_whole(pair: tuple[ClientSocket, gevent.socket.socket]) -> None:
    ours, client = pair
    content = bytes(range(256)) * 20_000
    sending = gevent.spawn(ours.sendall, content)
    received = b""
    while len(received) < len(content):
        received += client.recv(1 << 16)
    sending.get(timeout=10)
    assert received == content


def test_who_does_not_read_is_given_up(pair: tuple[ClientSocket, gevent.socket.socket]) -> None:
    ours, _ = pair
    ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ours.sendall(b"x" * 10_000_000)


def test_who_has_left_is_an_error(pair: tuple[ClientSocket, gevent.socket.socket]) -> None:
    ours, client = pair
    client.close()
    with pytest.raises(OSError, match="Broken pipe"):
        ours.sendall(b"x")
