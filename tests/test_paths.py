import os
import socket
import stat
from pathlib import Path

import pytest

from lms.paths import (
    SOCKET_PATH_LIMIT_BYTES,
    Home,
    bundled_models_dir,
    default_models_dir,
    ensure_private,
    write_atomically,
)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user who has nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_home_is_in_the_users_home_unless_lms_home_says_otherwise(user: Path) -> None:
    assert Home.from_environment({}).root == user / ".lms"
    assert Home.from_environment({"LMS_HOME": ""}).root == user / ".lms"
    assert Home.from_environment({"LMS_HOME": "/srv/lms"}).root == Path("/srv/lms")
    assert Home.from_environment({"LMS_HOME": "~/state"}).root == user / "state"
    assert Home.from_environment({"LMS_HOME": "state"}).root == Path.cwd() / "state"


def test_models_are_lm_studios_when_it_has_some(user: Path) -> None:
    (user / ".lmstudio" / "models").mkdir(parents=True)
    assert default_models_dir(Home(user / ".lms")) == user / ".lmstudio" / "models"


def test_models_are_in_the_home_when_lm_studio_is_not_there(user: Path) -> None:
    assert default_models_dir(Home(user / ".lms")) == user / ".lms" / "models"


def test_bundled_models_are_part_of_the_package() -> None:
    assert bundled_models_dir().parent.joinpath("paths.py").is_file()


def test_everything_of_a_home_with_a_short_path_is_inside_it() -> None:
    home = Home(Path("/srv/lms"))
    files = (home.lock, home.daemon_state, home.daemon_log, home.server_state, home.settings, home.tokens)
    assert all(
        path.is_relative_to(home.root)
        for path in (*files, home.desired_models, home.catalog_cache, home.prompt_cache, home.daemon_socket)
    )


@pytest.mark.parametrize("name", ["h" * 50, "h" * 74, "h" * 75, "h" * 200, "日" * 60])
def test_socket_paths_are_short_enough_for_the_kernel(name: str) -> None:
    home = Home(Path("/srv") / name)
    for path in (home.daemon_socket, home.engine_socket(1), home.engine_socket(99999)):
        assert len(os.fsencode(path)) <= SOCKET_PATH_LIMIT_BYTES


def test_two_long_homes_do_not_share_their_sockets() -> None:
    one, other = Home(Path("/srv") / ("a" * 200)), Home(Path("/srv") / ("b" * 200))
    assert one.daemon_socket != other.daemon_socket
    assert one.daemon_socket == Home(one.root).daemon_socket


def test_a_socket_can_be_bound_in_a_long_home(tmp_path: Path) -> None:
    home = Home(tmp_path / ("deep" * 40))
    ensure_private(home.run)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(home.daemon_socket))
    finally:
        home.daemon_socket.unlink(missing_ok=True)
        home.run.rmdir()


def test_a_private_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = ensure_private(tmp_path / "a" / "run")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.joinpath("run").mkdir(mode=0o755)
    assert stat.S_IMODE(ensure_private(tmp_path / "run").stat().st_mode) == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "run"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    with pytest.raises(PermissionError, match="another user"):
        ensure_private(theirs)


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="symbolic link"):
        ensure_private(tmp_path / "run")
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o755


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "server.json"
    write_atomically(path, b"first, and longer")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_reader_that_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    write_atomically(path, b"first")
    with path.open("rb") as reader:
        write_atomically(path, b"second")
        assert reader.read() == b"first"


def test_a_write_that_fails_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    occupied = tmp_path / "server.json"
    (occupied / "inside").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        write_atomically(occupied, b"content")
    assert list(tmp_path.iterdir()) == [occupied]
