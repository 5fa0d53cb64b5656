"""How many processor cores this process has for computing.

Counted are physical cores. A second thread on a core adds nothing to arithmetic that keeps its vector units busy
(reading a prompt), nor to reading weights that keeps its memory busy (writing an answer), and it is one more that all
the others wait for after every operation. The slow cores of processors that have two kinds do not count, either:
llama.cpp chooses like that, too. There are fewer where the process may not run everywhere (affinity) or not always (a
container's quota). The limit: outside of Linux only the number of physical cores is known.
"""

import math
import os
from collections.abc import Set
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
DEVICES = Path("/sys/devices")


def cores() -> int:
    """Physical cores that this process may use, at least 1."""
    if not hasattr(os, "sched_getaffinity"):
        return psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    return max(1, min(physical(allowed, DEVICES), quota(CGROUP) or len(allowed)))


def physical(allowed: Set[int], devices: Path) -> int:
    """How many fast physical cores the processors in `allowed` belong to. `devices` is Linux's /sys/devices."""
    fast = allowed & _numbers(_read(devices / "cpu_core" / "cpus")) or allowed
    siblings = (_read(devices / "system" / "cpu" / f"cpu{number}" / "topology" / "core_cpus_list") for number in fast)
    return len({text or number for text, number in zip(siblings, fast, strict=True)})


def quota(cgroup: Path) -> int | None:
    """Processors that the container may keep busy, rounded up; None without a limit. `cgroup` is /sys/fs/cgroup."""
    words = _read(cgroup / "cpu.max").split()
    if not words:
        words = [_read(cgroup / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    if len(words) != 2 or not all(word.isdecimal() and int(word) for word in words):
        return None
    return math.ceil(int(words[0]) / int(words[1]))


def _numbers(text: str) -> set[int]:
    """The numbers in a list such as “0-3,8”."""
    ranges = [part.partition("-") for part in text.split(",") if part]
    return {number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)}


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
