"""The TCP socket of the HTTP server, bound by the daemon so that a taken port is known at once."""

import errno
import os
import socket

import psutil

from lms.errors import PortTaken, UsageError

BACKLOG = 2048
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Port 0 picks a free one; an IPv6 wildcard takes IPv4 too.

    Raises PortTaken, naming the holder when that can be known, and UsageError when the address is not this machine's.
    """
    family, address = _address(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(error, host, port) from error
    return listener


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def reachable_host(host: str) -> str:
    """An address under which this machine reaches a server bound to `host`."""
    return _WILDCARDS.get(host, host)


def _address(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise UsageError(f"“{host}” is no address: {error}.", param="host") from error
    family, _, _, _, address = found[0]
    return family, address  # type: ignore[return-value]


def _refusal(error: OSError, host: str, port: int) -> PortTaken | UsageError:
    match error.errno:
        case errno.EADDRINUSE:
            return PortTaken(
                f"Port {port} is taken{_by_whom(port)}.", hint="Choose another one: lms server start --port"
            )
        case errno.EACCES:
            return UsageError(f"Port {port} needs more rights than this user has.", hint="Use a port over 1023.")
        case errno.EADDRNOTAVAIL:
            return UsageError(f"“{host}” is no address of this machine.", param="host")
    return UsageError(f"The server cannot listen on {host}, port {port}: {os.strerror(error.errno or 0)}.")


def _by_whom(port: int) -> str:
    """“ by python (process 123)”, or nothing when that cannot be known without more rights."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""
