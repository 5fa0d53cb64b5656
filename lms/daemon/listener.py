"""The socket of the HTTP server, bound by the daemon so that a taken port is known at once.

The host `unix:/path` stands for a unix socket, which has no port. Who may use it, its folder says.
"""

import errno
import os
import socket
import stat
from pathlib import Path

import psutil

from lms.errors import PortTaken, UsageError
from lms.paths import SOCKET_PATH_LIMIT_BYTES

BACKLOG = 2048
UNIX = "unix:"
# For the owner and the group; a proxy in front of the server often runs as somebody else.
_MODE = 0o660
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def bind(host: str, port: int | None) -> socket.socket:
    """A listening socket. Port 0 picks a free one; an IPv6 wildcard takes IPv4 too.

    Raises PortTaken, naming the holder when that can be known, and UsageError when the address is not this machine's,
    or no place for a unix socket.
    """
    path = path_of(host)
    return _bind_port(host, port or 0) if path is None else _bind_path(path)


def path_of(host: str | None) -> Path | None:
    """Where the unix socket lies that `host` stands for; None where it is an address."""
    return Path(host.removeprefix(UNIX)) if host and host.startswith(UNIX) else None


def place(host: str, port: int | None) -> str:
    """Where that is, for people."""
    return host if port is None else f"{host}, port {port}"


def remove(host: str) -> None:
    """Take away what a unix socket leaves behind."""
    path = path_of(host)
    if path is not None:
        path.unlink(missing_ok=True)


def _bind_path(path: Path) -> socket.socket:
    _make_room(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(_MODE)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"The server cannot listen on {path}: {os.strerror(error.errno or 0)}.", param="host"
        ) from error
    return listener


def _make_room(path: Path) -> None:
    """Remove the socket of a server that has ended. Raises as `bind` does when there is something else."""
    if not path.is_absolute() or len(os.fsencode(path)) > SOCKET_PATH_LIMIT_BYTES:
        raise UsageError(
            f"“{path}” is no path for a socket: it has to be absolute, and of {SOCKET_PATH_LIMIT_BYTES} bytes at most.",
            param="host",
        )
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise UsageError(f"{path} is there already, and no socket.", param="host")
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise PortTaken(f"{path} is in use by another program.", hint="Choose another path for --bind.")
    path.unlink(missing_ok=True)


def _bind_port(host: str, port: int) -> socket.socket:
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


def port_of(listener: socket.socket) -> int | None:
    return None if listener.family == socket.AF_UNIX else int(listener.getsockname()[1])


def reachable_host(host: str) -> str:
    """A host name that this machine may use with a server bound to `host`."""
    return "localhost" if path_of(host) else _WILDCARDS.get(host, host)


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
            hint = "lms server start --port takes another one, and with --port 0 one that is free."
            return PortTaken(f"Port {port} is taken{_by_whom(port)}.", hint=hint)
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
