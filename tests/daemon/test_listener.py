"""Binding the HTTP server's socket."""

import os
import socket
import stat
from pathlib import Path

import pytest

from lms.daemon import listener
from lms.errors import PortTaken, UsageError


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::", "localhost"])
def test_port_0_picks_a_free_one_at_any_address(host: str) -> None:
    with listener.bind(host, 0) as bound:
        port = listener.port_of(bound)
        assert port
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


class TestUnixSockets:
    def test_one_can_be_connected_to_by_its_owner_and_group(self, tmp_path: Path) -> None:
        path = tmp_path / "lms.sock"
        with listener.bind(f"unix:{path}", None) as bound, socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            assert listener.port_of(bound) is None
            assert stat.S_IMODE(path.stat().st_mode) == 0o660

    def test_what_a_server_that_ended_left_behind_is_no_obstacle(self, tmp_path: Path) -> None:
        host = f"unix:{tmp_path / 'lms.sock'}"
        listener.bind(host, None).close()
        listener.bind(host, None).close()

    def test_one_in_use_is_taken(self, tmp_path: Path) -> None:
        host = f"unix:{tmp_path / 'lms.sock'}"
        with listener.bind(host, None), pytest.raises(PortTaken, match="in use"):
            listener.bind(host, None)

    def test_a_file_of_another_kind_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "notes").write_text("mine")
        with pytest.raises(UsageError, match="no socket"):
            listener.bind(f"unix:{tmp_path / 'notes'}", None)
        assert (tmp_path / "notes").read_text() == "mine"

    @pytest.mark.parametrize("path", ["", "lms.sock", "/" + "a" * 120, "/no/such/folder/lms.sock"])
    def test_a_path_that_no_socket_can_have_is_refused(self, path: str) -> None:
        with pytest.raises(UsageError):
            listener.bind(f"unix:{path}", None)
