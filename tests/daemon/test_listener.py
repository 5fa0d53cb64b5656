"""Binding the HTTP server's socket."""

import os
import socket

import pytest

from lms.daemon import listener
from lms.errors import PortTaken, UsageError


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::", "localhost"])
def test_port_0_picks_a_free_one_at_any_address(host: str) -> None:
    with listener.bind(host, 0) as bound:
        port = listener.port_of(bound)
        assert port > 0
        socket.create_connection((listener.reachable_host(host), port), timeout=5).close()


def test_a_taken_port_names_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"{port} is taken by .* \(process {os.getpid()}\)"):
            listener.bind("127.0.0.1", port)


def test_all_addresses_are_taken_when_one_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder, pytest.raises(PortTaken):
        listener.bind("0.0.0.0", holder.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "300.1.1.1", "a" * 300])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(UsageError):
        listener.bind(host, 0)


def test_a_port_is_free_again_once_it_is_closed() -> None:
    with listener.bind("127.0.0.1", 0) as bound:
        port = listener.port_of(bound)
    listener.bind("127.0.0.1", port).close()
