"""A terminal that a command runs in, and what is on its screen."""

import fcntl
import os
import pty
import select
import struct
import termios
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

COLUMNS = 132
# More than any command writes, so that nothing leaves the screen.
LINES = 400
PATIENCE_S = 120.0


class _Screen(pyte.Screen):
    """One that answers what the program asks it, such as where the cursor is."""

    terminal: int

    def write_process_input(self, data: str) -> None:
        os.write(self.terminal, data.encode())


class Terminal:
    """One command in a terminal of its own, from its start to its end."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self._screen = _Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        pid, self._screen.terminal = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execve(command[0], command, environment)
        self._pid = pid
        fcntl.ioctl(self._screen.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))

    def lines(self) -> list[str]:
        """What is on the screen now, without empty lines at its end."""
        shown = [line.rstrip() for line in self._screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def wait_until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """The screen as soon as it is like that. Raises RuntimeError when the command ends before."""
        while not holds(shown := self.lines()):
            if not self._read():
                raise RuntimeError("The command has ended, and this is all that was shown:\n" + "\n".join(shown))
        return shown

    def type(self, keys: str) -> None:
        os.write(self._screen.terminal, keys.encode())

    def end(self) -> int:
        """Wait for the command's end, and return its exit code."""
        while self._read():
            pass
        os.close(self._screen.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        """Take what comes next to the screen. False when the command has ended. Raises TimeoutError."""
        if not select.select([self._screen.terminal], [], [], PATIENCE_S)[0]:
            raise TimeoutError(f"Nothing came for {PATIENCE_S:.0f} s:\n" + "\n".join(self.lines()))
        try:
            received = os.read(self._screen.terminal, 65536)
        except OSError:  # Linux's way to say that nobody is left on the other side
            return False
        self._stream.feed(received)
        return bool(received)
