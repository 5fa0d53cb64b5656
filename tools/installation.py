"""An installation of `lms` with a home of its own, for programs that try it as a user would: the demo and the bench."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Installation:
    """A temporary home. `lms` runs the command line against it, and nothing else is touched. `models`: a models folder
    other than the home's own; `variables`: what else is to be in the environment."""

    home: Path
    models: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LMS_")}
        folder = {"LMS_MODELS_DIR": str(self.models)} if self.models else {}
        return kept | {"LMS_HOME": str(self.home)} | folder | dict(self.variables)

    def lms(self, *words: str) -> str:
        """What `lms WORDS` prints on stdout. Raises CalledProcessError when it fails; its messages go to stderr."""
        command = [sys.executable, "-m", "lms", *words]
        return subprocess.run(command, env=self.environment(), check=True, stdout=subprocess.PIPE, text=True).stdout

    def lms_json(self, *words: str) -> Any:
        """What `lms WORDS --json` prints."""
        return json.loads(self.lms(*words, "--json"))


@contextmanager
def fresh_installation(models: Path | None = None, **variables: str) -> Iterator[Installation]:
    """An installation that is stopped and removed with the block, also when SIGTERM ends the program."""
    with _leaving_at_sigterm(), tempfile.TemporaryDirectory(prefix="lms-") as folder:
        installation = Installation(Path(folder), models, variables)
        try:
            yield installation
        finally:
            subprocess.run(
                [sys.executable, "-m", "lms", "daemon", "down", "--quiet"], env=installation.environment(), check=False
            )


@contextmanager
def _leaving_at_sigterm() -> Iterator[None]:
    """SIGTERM raises SystemExit within the block, so that blocks around it clean up. In the main thread only, which is
    the one that gets signals."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
