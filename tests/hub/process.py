"""Starts the hub of `server.py`, and says what is wrong with it."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

REPO_ROOT = Path(__file__).parents[2]


class HubProcess:
    """A hub over `folder`, from its making until `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._start(0)

    def _start(self, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hub.server", str(self.folder), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPO_ROOT,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address.startswith("http"), "the hub did not start"

    def add(self, repo: str, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            path = self.folder / repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def trouble(self, **what: Any) -> None:
        """From now on that is wrong, and nothing else."""
        self._post("/_trouble", what)

    def release(self) -> None:
        """What it held back goes on."""
        self._post("/_release", {})

    def asked(self, path: str = "") -> list[dict[str, Any]]:
        """The requests for that path, all without one."""
        with urllib.request.urlopen(f"{self.address}/_asked") as answer:
            return [each for each in json.load(answer) if path in each["path"]]

    def die(self) -> None:
        self._process.kill()
        self.close()

    def come_back(self) -> None:
        """At the same address."""
        self._start(int(self.address.rpartition(":")[2]))

    def close(self) -> None:
        """End it. A second time nothing happens."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(10)

    def _post(self, path: str, value: Any) -> None:
        urllib.request.urlopen(f"{self.address}{path}", json.dumps(value).encode()).close()
