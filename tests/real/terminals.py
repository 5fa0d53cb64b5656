"""Commands on a terminal of their own."""

import os
import pty
import sys
from collections.abc import Mapping
from types import MappingProxyType

from tests.real.conftest import Lms


def on_a_terminal(lms: Lms, *words: str, replies: Mapping[bytes, bytes] = MappingProxyType({})) -> tuple[int, str]:
    """The exit code, and all that the terminal showed. Each of `replies` is typed once its question is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "lms", *words], lms.environ)
    shown, waiting = b"", dict(replies)
    while received := read(terminal):
        shown += received
        for question in [question for question in waiting if question in shown]:
            os.write(terminal, waiting.pop(question))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def read(terminal: int) -> bytes:
    """What it has shown since; nothing once nobody is left on the other side."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that
        return b""
