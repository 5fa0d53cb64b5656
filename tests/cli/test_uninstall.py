from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


@pytest.fixture(autouse=True)
def user(lms: Terminal, tmp_path: Path) -> Path:
    """Somebody with completion in their shell, and a folder of lms in which a daemon has lived."""
    home = tmp_path / "user"
    home.mkdir()
    lms.environ = {"HOME": str(home), "SHELL": "/bin/bash", "PATH": "/usr/bin:/bin"}
    lms.home = type(lms.home)(tmp_path / "user" / ".lms")
    lms.home.root.mkdir()
    lms.home.lock.touch()
    lms.type("--install-completion")
    return home


def test_the_daemon_ends_and_completion_goes_and_the_folder_stays(
    lms: Terminal, daemon: FakeDaemon, user: Path
) -> None:
    ended = lms.type("uninstall")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith(f"Removed: the daemon, completion in {user}/.bashrc.\n")
    assert not daemon.on
    assert lms.home.lock.exists()
    assert lms.type("uninstall", "--json").json == {"removed": []}


def test_the_folder_goes_when_asked_for(lms: Terminal) -> None:
    assert lms.type("uninstall", "--home", "--yes").code == 0
    assert not lms.home.root.exists()


def test_a_script_has_to_say_yes(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("uninstall", "--home")
    assert (ended.code, ended.out) == (2, "")
    assert "models included" in ended.err
    assert "--yes" in ended.err
    assert daemon.on
    assert lms.home.root.exists()


def test_a_person_may_say_no(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.is_tty, lms.keys = True, "n\n"
    ended = lms.type("uninstall", "--home")
    assert (ended.code, "Nothing was removed." in ended.err) == (1, True)
    assert daemon.on
    assert lms.home.root.exists()


def test_a_folder_in_which_no_daemon_has_lived_is_not_deleted(lms: Terminal) -> None:
    lms.home.lock.unlink()
    ended = lms.type("uninstall", "--home", "--yes")
    assert ended.code == 2
    assert "no folder that lms has made" in ended.err
    assert lms.home.root.exists()
