"""`lms service` with real daemons, started by a program that stands in for systemctl."""

import os
import random
import socket
import stat
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from lms.client.control import ServerStart
from tests.real.conftest import Lms

pytestmark = pytest.mark.real

WAIT_S = 60.0

# Starts what the unit says as systemd would, with what it says in the environment and nothing of ours.
SYSTEMCTL = """\
#!/bin/sh
unit=$HOME/.config/systemd/user/lms.service
case "$*" in
    *restart*)
        sed -n 's/^Environment=/export /p' "$unit" > "$HOME/environment"
        sed -n 's/^ExecStart=/exec /p' "$unit" > "$HOME/command"
        setsid env -i "HOME=$HOME" sh -c '. "$HOME/environment"; . "$HOME/command"' > "$HOME/log" 2>&1 < /dev/null &
        ;;
    *disable*)
        kill "$(tr -dc '0-9,' < "$LMS_HOME/daemon.json" | cut -d, -f1)"
        flock "$LMS_HOME/daemon.lock" true
        ;;
esac
"""


@pytest.fixture
def machine(fake_lms: Lms) -> Lms:
    user = fake_lms.home.root / "user"
    programs = user / "bin"
    programs.mkdir(parents=True)
    for name, text in {"systemctl": SYSTEMCTL, "loginctl": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(stat.S_IRWXU)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in fake_lms.environ.items() if name != "XDG_CONFIG_HOME"}
    return replace(fake_lms, environ=kept | {"PATH": path, "HOME": str(user)})


def quiet_port() -> int:
    """A free one below those that systems hand out: nobody gets it by chance while the daemon changes."""
    while True:
        port = random.randrange(20000, 32000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def test_the_service_takes_over_what_the_daemon_had_and_leaves_nothing_when_it_goes(machine: Lms) -> None:
    machine("load", "tiny-chat", "--identifier", "mine")
    port = machine.client.start_server(ServerStart(port=quiet_port())).port
    before = machine.client.status()
    done = machine("service", "install")
    assert "Your service runs" in done.stderr
    after = machine.client.status()
    assert after.pid != before.pid
    assert [row.identifier for row in machine.client.instances()] == ["mine"]
    deadline_s = time.monotonic() + WAIT_S
    while not (server := machine.client.server_status()).running:  # it comes back behind the daemon's first answer
        assert time.monotonic() < deadline_s
    assert server.port == port
    unit = Path(machine.environ["HOME"]) / ".config/systemd/user/lms.service"
    assert unit.exists()
    assert machine("service", "uninstall").stderr == "The service is uninstalled.\n"
    assert not unit.exists()
