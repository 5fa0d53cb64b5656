"""Who may be the daemon."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from lms.client.client import is_locked
from lms.daemon import lock

HOLDER = "import sys; from pathlib import Path; from lms.daemon import lock\nlock.take(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"  # noqa: E501


def test_only_one_can_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    assert not is_locked(path)
    held = lock.take(path)
    assert held is not None
    assert lock.take(path) is None
    assert is_locked(path)
    os.close(held)
    assert not is_locked(path)


def test_it_is_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert lock.take(path) is None
        holder.kill()
        holder.wait()
    held = lock.take(path)
    assert held is not None
    os.close(held)


def test_programs_that_the_holder_starts_do_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    held = lock.take(path)
    assert held is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        os.close(held)
        assert not is_locked(path)
        child.kill()


def test_waiting_for_it_ends_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    held = lock.take(path)
    assert held is not None
    asked = threading.Event()

    def given_up() -> bool:
        if not asked.is_set():
            asked.set()
            os.close(held)
        return False

    got = lock.take_unless(path, given_up, timeout_s=5)
    assert got is not None
    os.close(got)


def test_waiting_for_it_ends_when_it_is_given_up_or_has_lasted(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    held = lock.take(path)
    assert held is not None
    assert lock.take_unless(path, lambda: True, timeout_s=60) is None
    assert lock.take_unless(path, lambda: False, timeout_s=0.01) is None
    os.close(held)
