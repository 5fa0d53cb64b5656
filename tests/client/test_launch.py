"""What a daemon is started with. That it starts, and only once, is shown with real processes in tests/real."""

import signal
import subprocess
import sys
from pathlib import Path

from lms.client.launch import LOG_LIMIT_BYTES, daemon_environment, ensure_daemon, open_log
from lms.paths import Home
from tests.client.daemon import InProcessDaemon


def test_the_daemon_gets_absolute_paths_and_the_callers_environment(tmp_path: Path) -> None:
    given = daemon_environment(Home(tmp_path), {"LMS_MODELS_DIR": "models", "HF_TOKEN": "secret"})
    assert given["LMS_HOME"] == str(tmp_path)
    assert Path(given["LMS_MODELS_DIR"]).is_absolute()
    assert given["HF_TOKEN"] == "secret"


def test_a_models_folder_that_is_not_set_stays_so(tmp_path: Path) -> None:
    assert "LMS_MODELS_DIR" not in daemon_environment(Home(tmp_path), {})


def test_a_daemon_is_started_again_when_the_first_gave_way_to_one_that_ended(home: Home) -> None:
    running: list[InProcessDaemon] = []
    starts = iter([lambda: None, lambda: running.append(InProcessDaemon(home))])

    def spawn(_: Home) -> "subprocess.Popen[bytes]":
        next(starts)()
        return subprocess.Popen([sys.executable, "-c", ""])

    client = ensure_daemon(home, spawn=spawn)
    assert client.status().pid == 1
    client.close()
    running[0].close()


def test_what_was_started_beside_somebody_elses_daemon_is_ended(home: Home) -> None:
    children: list[subprocess.Popen[bytes]] = []
    daemons: list[InProcessDaemon] = []

    def spawn(_: Home) -> "subprocess.Popen[bytes]":
        daemons.append(InProcessDaemon(home))
        children.append(subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]))
        return children[0]

    ensure_daemon(home, spawn=spawn).close()
    daemons[0].close()
    assert children[0].returncode == -signal.SIGTERM


def test_the_log_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "daemon.log"
    for text in (b"a", b"b"):
        with open_log(path) as log:
            log.write(text)
    assert path.read_bytes() == b"ab"


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    path.write_bytes(bytes(LOG_LIMIT_BYTES + 1))
    open_log(path).close()
    assert path.stat().st_size == 0
    assert (tmp_path / "daemon.log.1").stat().st_size == LOG_LIMIT_BYTES + 1
