"""Talking to the daemon: its API's payloads, a client, and how to make sure that there is one to talk to."""

from lms.client.client import DaemonClient

__all__ = ["DaemonClient"]
