"""How long a whole command takes: measured by hyperfine where it is installed, else by our own clock."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.installation import Installation

RUNS = 20
WARM_UP_RUNS = 3
# At most so many seconds, on two cores.
AIMS_S = {"--help": 0.15, "ps": 0.3, "complete models": 0.2, "complete identifiers": 0.2}


def clock() -> str:
    """What measures: `hyperfine 1.15.0`, or that it is missing."""
    hyperfine = shutil.which("hyperfine")
    if hyperfine is None:
        return "our own clock, as hyperfine is not installed (apt install hyperfine)"
    return subprocess.run([hyperfine, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def command_s(installation: Installation, *words: str, runs: int = RUNS) -> list[float]:
    """Seconds that each of `runs` of `lms WORDS` took, the first ones not counted. Raises CalledProcessError when the
    command fails.
    """
    program = Path(sys.executable).with_name("lms")
    command = [*([str(program)] if program.exists() else [sys.executable, "-m", "lms"]), *words]
    measured_by = _by_hyperfine if shutil.which("hyperfine") else _by_own_clock
    return measured_by(command, installation.environment(), runs)


def _by_hyperfine(command: list[str], environment: dict[str, str], runs: int) -> list[float]:
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        flags = ["-N", "--style=none", f"--warmup={WARM_UP_RUNS}", f"--runs={runs}", f"--export-json={report}"]
        subprocess.run(
            ["hyperfine", *flags, shlex.join(command)], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        (result,) = json.loads(report.read_text())["results"]
    return [float(seconds) for seconds in result["times"]]


def _by_own_clock(command: list[str], environment: dict[str, str], runs: int) -> list[float]:
    return [_once_s(command, environment) for _ in range(WARM_UP_RUNS + runs)][WARM_UP_RUNS:]


def _once_s(command: list[str], environment: dict[str, str]) -> float:
    started_s = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started_s
