"""Limits are changed for good, so each is tried in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from lms.limits import memory_left_bytes, memory_limit_bytes

PROGRAM = """
import resource, sys
from lms.limits import allow_descriptors
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
allow_descriptors(wanted)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "allowed"),
    [(64, 512, 256, 256), (64, 128, 256, 128), (200, 512, 100, 200)],
    ids=["raised", "as far as the hard limit", "never lowered"],
)
def test_as_many_files_as_wanted_may_be_open(soft: int, hard: int, wanted: int, allowed: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(wanted)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(allowed), str(hard)]


GIB = 1 << 30


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/", {"memory.max": GIB}, GIB),
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": GIB, "memory.max": 2 * GIB}, GIB),
        ("0::/a", {"b/memory.max": GIB}, None),
        ("0::/a", {"a/memory.max": "max"}, None),
        ("3:cpu:/\n4:memory:/a\n0::/", {"memory/a/memory.limit_in_bytes": GIB}, GIB),
        ("4:memory:/elsewhere", {"memory/memory.limit_in_bytes": GIB}, GIB),
        ("4:memory:/", {"memory/memory.limit_in_bytes": 9223372036854771712}, None),
        ("", {}, None),
    ],
)
def test_the_least_limit_of_memory_around_the_process_counts(
    tmp_path: Path, own: str, files: dict[str, object], limit: int | None
) -> None:
    for name, content in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    (tmp_path / "own").write_text(f"{own}\n")
    assert memory_limit_bytes(tmp_path / "cgroup", tmp_path / "own") == limit


def test_a_system_without_control_groups_has_no_limit(tmp_path: Path) -> None:
    assert memory_limit_bytes(tmp_path, tmp_path / "own") is None


@pytest.mark.parametrize(
    ("own", "files", "left"),
    [
        ("0::/a", {"a/memory.max": 100, "a/memory.current": 70, "a/memory.stat": "anon 40\ninactive_file 20"}, 50),
        ("0::/a", {"a/memory.max": 100, "a/memory.current": 70, "memory.max": 80, "memory.current": 75}, 5),
        ("0::/a", {"a/memory.max": 100, "a/memory.current": 120}, 0),
        ("0::/a", {"a/memory.max": "max", "a/memory.current": 120}, None),
        (
            "4:memory:/",
            {
                "memory/memory.limit_in_bytes": 100,
                "memory/memory.usage_in_bytes": 90,
                "memory/memory.stat": "active_file 1\ntotal_active_file 30\ntotal_inactive_file 5",
            },
            45,
        ),
    ],
    ids=["files are free", "the tightest", "over it", "no limit", "version 1"],
)
def test_what_a_limit_leaves_is_what_nobody_has_taken_but_for_files(
    tmp_path: Path, own: str, files: dict[str, object], left: int | None
) -> None:
    for name, content in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    (tmp_path / "own").write_text(own)
    assert memory_left_bytes(tmp_path / "cgroup", tmp_path / "own") == left
