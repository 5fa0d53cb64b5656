"""Talking to the daemon: its API's payloads, a client, and how to make sure that there is one to talk to."""

import sys

# httpx imports its own command line, with rich and click, if it is there: 36 of its 80 ms, for every command of ours.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

from lms.client.client import DaemonClient  # noqa: E402 - after the line above

__all__ = ["DaemonClient"]
