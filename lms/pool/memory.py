"""What the machine has free, and what a process has taken of it."""

from functools import cache

import psutil

from lms.limits import memory_left_bytes, memory_limit_bytes


def available_bytes() -> int:
    """What could be taken now, of the machine's memory or of the container's where that has less. Files in memory count
    as free: they can be read again.
    """
    free_bytes = int(psutil.virtual_memory().available)
    left_bytes = memory_left_bytes() if _is_limited() else None
    return free_bytes if left_bytes is None else min(free_bytes, left_bytes)


@cache
def _is_limited() -> bool:
    """Whether there is a limit less than the machine. Looked up once: that takes 0.1 ms, and every lease asks."""
    return memory_limit_bytes() is not None


def private_bytes(pid: int) -> int:
    """What a process holds that no other could have instead. Mapped files count as free: they can be read again."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(memory.rss - getattr(memory, "shared", 0))
