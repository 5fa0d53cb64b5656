"""What is typed while something is drawn on a terminal must not stand in the middle of it, Ctrl-C's `^C` included."""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def unechoed(stdin: TextIO) -> Iterator[None]:
    """The terminal at `stdin`, if it is one and ours, shows nothing of what is typed while the block runs. The shell or
    the next prompt gets it.
    """
    try:
        descriptor = stdin.fileno()
        before = termios.tcgetattr(descriptor)
        is_ours = os.tcgetpgrp(descriptor) == os.getpgrp()
    except (OSError, ValueError, termios.error):
        is_ours = False
    if not is_ours:  # a job in the background would be stopped for touching it
        yield
        return
    _set_flags(descriptor, before, before[3] & ~termios.ECHO)
    try:
        yield
    finally:
        _set_flags(descriptor, before, before[3])


def _set_flags(descriptor: int, attributes: list[int | list[bytes | int]], flags: int) -> None:
    termios.tcsetattr(descriptor, termios.TCSADRAIN, [*attributes[:3], flags, *attributes[4:]])
