"""Makes sure that the daemon runs. Several processes may do so at once: one daemon comes of it, and all are served."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import lms
from lms.client.client import DaemonClient, is_locked
from lms.client.control import DaemonStatus
from lms.config import settings
from lms.config.models_folder import VARIABLE, models_dir
from lms.errors import DaemonFailed, DaemonUnreachable, UsageError
from lms.paths import Home

START_TIMEOUT_S = 60.0
# -P keeps the current folder out of what is imported.
COMMAND = (sys.executable, "-P", "-m", "lms.daemon")
LOG_LIMIT_BYTES = 4 << 20
LOG_TAIL_LINES = 10
_POLL_S = 0.02


def ensure_daemon(
    home: Home,
    on_start: Callable[[], None] | None = None,
    spawn: "Callable[[Home], subprocess.Popen[bytes]] | None" = None,
) -> DaemonClient:
    """A client of the running daemon, which is started, by `spawn` if given, when there is none.

    `on_start` is called just before. Raises DaemonFailed with the end of the daemon's log when it does not come up,
    UsageError when the home or a setting is of no use.
    """
    client = DaemonClient(home)
    if _status(client):
        return client
    settings.read(home.settings)  # what is wrong in them is said here, not at the end of a log
    if on_start:
        on_start()
    start = spawn or _spawn
    child = start(home)
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while (status := _status(client)) is None:
        if child.poll():
            raise DaemonFailed(f"The daemon ended at once. {_log_tail(home)}", hint=f"See {home.daemon_log}.")
        # A child that ends without a complaint found another daemon, which answers soon, or was about to end.
        if child.poll() == 0 and not is_locked(home.lock):
            child = start(home)
        if time.monotonic() > deadline_s:
            raise DaemonFailed(f"The daemon did not answer within {START_TIMEOUT_S:.0f} s. {_log_tail(home)}")
        time.sleep(_POLL_S)
    if status.pid != child.pid:
        child.terminate()  # somebody else's daemon answers: ours must not take its place when that one ends
        child.wait()
    # It stays our child as long as we live: whoever waits for it keeps it from becoming a zombie.
    threading.Thread(target=child.wait, name="daemon reaper", daemon=True).start()
    return client


def _status(client: DaemonClient) -> DaemonStatus | None:
    try:
        return client.status()
    except DaemonUnreachable:
        return None


def _spawn(home: Home) -> "subprocess.Popen[bytes]":
    """A daemon of its own session: it outlives the terminal, and takes nothing of ours but the environment."""
    _require_usable(home)
    with open_log(home.daemon_log) as log:
        return subprocess.Popen(
            COMMAND,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home.root,
            env=daemon_environment(home, os.environ),
        )


def _require_usable(home: Home) -> None:
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = None if os.access(home.root, os.W_OK | os.X_OK) else "this user may not write there"
    except OSError as error:
        reason = error.strerror
    if reason:
        raise UsageError(f"{home.root} cannot hold the state of lms: {reason}.", hint="Set LMS_HOME to another folder.")


def daemon_environment(home: Home, environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment with every path absolute, because the daemon runs in another folder.

    The folder of this package is added when it runs from a source tree; `-P` keeps the current folder out.
    """
    added = {"LMS_HOME": str(home.root)}
    if environ.get(VARIABLE):
        added[VARIABLE] = str(models_dir(home, environ))
    source = Path(lms.__file__).absolute().parents[1]
    if source.name not in ("site-packages", "dist-packages"):
        added["PYTHONPATH"] = os.pathsep.join(filter(None, (str(source), environ.get("PYTHONPATH"))))
    return {**environ, **added}


def open_log(path: Path) -> BinaryIO:
    """The log, appended to. One that has grown large is put aside first, in place of the one before it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _log_tail(home: Home) -> str:
    try:
        lines = home.daemon_log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "It said last:\n" + "\n".join(lines[-LOG_TAIL_LINES:])
