"""How many processor cores this process has for computing, and how its threads wait for each other there.

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

# Rounds of a waiting loop, 0.02 to 0.1 ms in all.
SPINS = 2000


def wait_briefly() -> None:
    """Let threads that wait for another sleep soon. Call it before llama.cpp is imported; what the user set stays.

    llama.cpp's threads meet after every operation, hundreds of times for each token. GNU's OpenMP, which it is usually
    built with, has them spin for 300,000 rounds there, 16 ms on the processor measured: longer than a time slice. When
    another process needs a core, they burn theirs while the thread that they wait for waits for its turn. A 0.5B model
    on two cores, ms for each token: with nothing else running 32 with 300,000 rounds or with 2000, and 48 with 100;
    beside one busy process 1200, 115 and 96. (One thread: 53 and 70.)
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))


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
