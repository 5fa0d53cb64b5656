"""What the operating system allows a process. Only ever asks for more than there is, within what it may have."""

import resource
from collections.abc import Iterator
from pathlib import Path

DESCRIPTORS = 8192
CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
_LIMIT_1, _LIMIT_2 = "memory.limit_in_bytes", "memory.max"
_USED = {_LIMIT_1: "memory.usage_in_bytes", _LIMIT_2: "memory.current"}
_FILES = ("inactive_file", "active_file")
# Version 1 writes a number near 2**63 where there is no limit.
_NO_LIMIT = 1 << 60


def allow_descriptors(wanted: int = DESCRIPTORS) -> None:
    """Allow this process `wanted` open files, or as many as its hard limit lets it have.

    Many systems allow 1024 until asked for more, and a client takes one in each process that it meets. Programs that
    are started inherit the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def memory_limit_bytes(cgroup: Path = CGROUP, own: Path = OWN_CGROUP) -> int | None:
    """How much memory the container or the service may take that this process is part of; None without a limit.

    `cgroup` is /sys/fs/cgroup, `own` /proc/self/cgroup; of control groups version 2 and 1
    (https://docs.kernel.org/admin-guide/cgroup-v2.html). The limits of the groups around it count too.
    """
    return min((limit for _, limit in _memory_limits(cgroup, own)), default=None)


def memory_left_bytes(cgroup: Path = CGROUP, own: Path = OWN_CGROUP) -> int | None:
    """What these limits leave now; None without a limit. Files in memory count as free: they can be read again."""
    left = [limit - _taken_bytes(path) for path, limit in _memory_limits(cgroup, own)]
    return max(0, min(left)) if left else None


def _memory_limits(cgroup: Path, own: Path) -> Iterator[tuple[Path, int]]:
    for path in _memory_files(cgroup, own):
        limit = _read(path)
        if limit.isdecimal() and int(limit) < _NO_LIMIT:
            yield path, int(limit)


def _taken_bytes(limit_file: Path) -> int:
    """What the group of that limit has in use, without the pages of files. Version 1 says `total_` of whole trees."""
    stat = dict(line.split() for line in _read(limit_file.with_name("memory.stat")).splitlines())
    files = sum(int(stat.get(f"total_{name}", stat.get(name, 0))) for name in _FILES)
    return max(0, int(_read(limit_file.with_name(_USED[limit_file.name])) or 0) - files)


def _memory_files(cgroup: Path, own: Path) -> Iterator[Path]:
    """Where limits of memory may stand: in the process's group and all above it, which a container shows as one."""
    for line in _read(own).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers in ("", "memory"):
            root, name = (cgroup / "memory", _LIMIT_1) if controllers else (cgroup, _LIMIT_2)
            folder = root / group.lstrip("/")
            yield from (each / name for each in (folder, *folder.parents) if root == each or root in each.parents)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
