"""Where the HTTP server may listen: an address, a name, or `unix:/path`."""

import ipaddress
import re

_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_SOCKET = re.compile(r"unix:/[^\0]+")


def require_host(typed: str) -> None:
    """Raises ValueError for what is none of them, such as an address with a port or a URL."""
    if _SOCKET.fullmatch(typed) or _NAME.fullmatch(typed):
        return
    try:
        ipaddress.ip_address(typed)
    except ValueError:
        raise ValueError(f"“{typed}” is no address: write 127.0.0.1, ::1, a name, or unix:/path") from None
