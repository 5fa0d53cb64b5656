"""What the machine has free, and what a process has taken of it."""

import psutil


def available_bytes() -> int:
    """What could be taken now, files in memory that can be read again included."""
    return int(psutil.virtual_memory().available)


def private_bytes(pid: int) -> int:
    """What a process holds that no other could have instead. Mapped files count as free: they can be read again."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(memory.rss - getattr(memory, "shared", 0))
