"""What a running daemon is made of, without gunicorn around it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.daemon.service import Daemon
from lms.errors import DaemonUnreachable
from lms.paths import Home


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """One whose master is nobody's parent: nothing is ever sent to it."""
    home = Home(tmp_path)
    home.run.mkdir(parents=True)
    running = Daemon(home, master_pid=os.getpid())
    yield running
    running.close()


def test_once_told_to_end_it_answers_no_status_though_it_has_not_closed(daemon: Daemon) -> None:
    assert daemon.status().pid == os.getpid()
    daemon.shutdown()
    assert not daemon.closed
    with pytest.raises(DaemonUnreachable):
        daemon.status()


def test_its_last_words_come_before_it_has_closed(daemon: Daemon) -> None:
    with daemon.bus.subscribe() as subscription:
        daemon.close()
        assert daemon.closed
        said = subscription.next_record(0)
    assert said is not None
    assert getattr(said.data, "message", "") == "The daemon has ended."


def test_closing_it_twice_is_closing_it_once(daemon: Daemon) -> None:
    daemon.close()
    daemon.close()
    assert daemon.closed
