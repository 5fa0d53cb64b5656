"""Real daemons, fronts and engines, in a home of their own, and nothing left behind.

`lms` runs the command in a fresh home, `module_lms` in one that all tests of a file share; both have the real engines
over the bundled models. `fake_lms` has the fake engine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from lms.client import DaemonClient
from lms.errors import LmsError
from lms.paths import Home

if TYPE_CHECKING:
    from openai import OpenAI

COMMAND_TIMEOUT_S = 60
# Nobody listens there: no test asks the hub on the internet.
NO_HUB = "http://127.0.0.1:1"


@dataclass(frozen=True)
class Lms:
    """The `lms` command in one home."""

    home: Home
    environ: dict[str, str]
    clients: list[DaemonClient] = field(default_factory=list)

    def __call__(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run to its end. With `check`, an exit code other than 0 fails the test and shows why."""
        done = self.start(*arguments)
        stdout, stderr = done.communicate(timeout=COMMAND_TIMEOUT_S)
        assert not check or done.returncode == 0, f"lms {' '.join(arguments)}: {stdout}{stderr}"
        return subprocess.CompletedProcess(arguments, done.returncode, stdout, stderr)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Run it without waiting."""
        return subprocess.Popen(
            [sys.executable, "-m", "lms", *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def client(self) -> DaemonClient:
        """A new client, closed with the home."""
        self.clients.append(DaemonClient(self.home))
        return self.clients[-1]


def new_lms(fake_engine: bool) -> Lms:
    """A home under a short path, since the sockets lie in it."""
    home = Home(Path(tempfile.mkdtemp(prefix="lms-test-")))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LMS_")}
    added = {"LMS_HOME": str(home.root), "LMS_MODELS_DIR": str(home.root / "models"), "NO_COLOR": "1"}
    added |= {"HF_ENDPOINT": NO_HUB}
    return Lms(home, {**kept, **added, **({"LMS_ENGINE": "fake"} if fake_engine else {})})


def processes_of(home: Home) -> list[psutil.Process]:
    """Everything that runs in that home: it can be told by its environment, whatever its parent is by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LMS_HOME") == str(home.root) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found


def clean_up(lms: Lms) -> None:
    """End the daemon politely and what is left of it firmly, remove its home, and complain about what was left."""
    with suppress(LmsError):
        lms.client.shutdown()
    for client in lms.clients:
        client.close()
    left = processes_of(lms.home)
    told = [f"{process.pid} {' '.join(process.cmdline())}" for process in left]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    shutil.rmtree(lms.home.root, ignore_errors=True)
    assert not left, f"still running: {told}"


@pytest.fixture
def lms() -> Iterator[Lms]:
    """`lms` in a fresh home, with the real engines."""
    command = new_lms(fake_engine=False)
    yield command
    clean_up(command)


@pytest.fixture
def fake_lms() -> Iterator[Lms]:
    """`lms` in a fresh home, with the fake engine."""
    command = new_lms(fake_engine=True)
    yield command
    clean_up(command)


@pytest.fixture(scope="module")
def module_lms() -> Iterator[Lms]:
    """`lms` in a home that all tests of a file share, with the real engines."""
    command = new_lms(fake_engine=False)
    yield command
    clean_up(command)


@pytest.fixture(scope="module")
def module_port(module_lms: Lms) -> int:
    """The port of a server that all tests of a file share."""
    module_lms("server", "start", "--port", "0")
    return int(json.loads(module_lms("server", "status", "--json").stdout)["port"])


@pytest.fixture(scope="module")
def client(module_port: int) -> Iterator["OpenAI"]:
    """OpenAI's client. No retries and no proxies, so that what the server does is what is seen."""
    from openai import DefaultHttpxClient, OpenAI  # half a second, which not every file of tests needs

    with OpenAI(
        base_url=f"http://127.0.0.1:{module_port}/v1",
        api_key="lm-studio",
        max_retries=0,
        timeout=60,
        http_client=DefaultHttpxClient(trust_env=False),
    ) as sdk:
        yield sdk
