"""Cores and quotas as Linux shows them, in folders made for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lms.engine.processors import cores, physical, quota

HYPERTHREADED = {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}


def devices(folder: Path, siblings: dict[int, str], fast: str = "") -> Path:
    """A /sys/devices in which each processor names those on its core, and `fast` those on a fast one."""
    for number, names in siblings.items():
        write(folder / "system" / "cpu" / f"cpu{number}" / "topology" / "core_cpus_list", names)
    if fast:
        write(folder / "cpu_core" / "cpus", fast)
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def test_two_threads_of_a_core_count_once(tmp_path: Path) -> None:
    assert physical({0, 1, 4, 5}, devices(tmp_path, HYPERTHREADED)) == 2


def test_only_processors_that_may_be_used_count(tmp_path: Path) -> None:
    assert physical({0, 4}, devices(tmp_path, HYPERTHREADED)) == 1


def test_slow_cores_count_only_where_there_are_no_others(tmp_path: Path) -> None:
    hybrid = devices(tmp_path, {n: str(n) for n in range(6)}, fast="0-1,3")
    assert physical({0, 1, 2, 3, 4, 5}, hybrid) == 3
    assert physical({2, 4}, hybrid) == 2


def test_processors_that_name_no_core_are_cores(tmp_path: Path) -> None:
    assert physical({0, 1, 2}, tmp_path) == 3


@pytest.mark.parametrize(
    ("limit", "processors"), [("200000 100000", 2), ("150000 100000", 2), ("1000 100000", 1), ("max 100000", None)]
)
def test_a_containers_quota_is_rounded_up(tmp_path: Path, limit: str, processors: int | None) -> None:
    write(tmp_path / "cpu.max", limit)
    assert quota(tmp_path) == processors


@pytest.mark.parametrize(("limit", "processors"), [("400000", 4), ("-1", None)])
def test_the_older_form_of_a_quota_is_known_too(tmp_path: Path, limit: str, processors: int | None) -> None:
    write(tmp_path / "cpu" / "cpu.cfs_quota_us", limit)
    write(tmp_path / "cpu" / "cpu.cfs_period_us", "100000")
    assert quota(tmp_path) == processors


def test_no_quota_is_no_limit(tmp_path: Path) -> None:
    assert quota(tmp_path) is None


def test_this_machine_has_cores_and_no_more_than_processors() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("environ", "spins"), [({}, "2000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_wait_briefly_unless_the_user_says_otherwise(environ: dict[str, str], spins: str) -> None:
    script = "from lms.engine.processors import wait_briefly; wait_briefly(); import llama_cpp"
    shown = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))} | environ
    ended = subprocess.run(
        [sys.executable, "-c", script], env=shown | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True
    )
    if "GOMP_SPINCOUNT" not in ended.stderr:
        pytest.skip("this llama.cpp is built without GNU's OpenMP")
    assert f"GOMP_SPINCOUNT = '{spins}'" in ended.stderr
