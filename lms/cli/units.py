"""Numbers as people read them: sizes, and here lengths of time, moments and counts."""

import time

from lms.sizes import disk, memory

__all__ = ["count", "disk", "elapsed", "memory", "short", "stamp"]


def elapsed(duration_s: float) -> str:
    """`12.00ms`, `3.45s`, `2m 3.45s`, `1h 2m 3.45s`."""
    if duration_s < 1:
        return f"{duration_s * 1000:.2f}ms"
    minutes, seconds = divmod(duration_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    larger = (f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "")
    return " ".join((*filter(None, larger), f"{seconds:.2f}s"))


def short(duration_s: float) -> str:
    """The nearest whole hour, minute or second, in the largest unit that fits: `1h`, `58m`, `30s`."""
    for length_s, unit in ((3600, "h"), (60, "m")):
        if duration_s >= length_s:
            return f"{round(duration_s / length_s)}{unit}"
    return f"{round(duration_s)}s"


def stamp(unix_s: float) -> str:
    """`2026-01-31 18:00:00`, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))


def count(number: int, noun: str) -> str:
    """`1 model`, `3 models`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
