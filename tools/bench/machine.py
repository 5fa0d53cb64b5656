"""What was measured on, and with: written above every table."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """The processor, its physical cores, the memory, and whether somebody else was at work when this was asked."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    load_1min: float
    llama_cpp_python: str
    commit: str

    @classmethod
    def here(cls) -> "Machine":
        return cls(
            _processor(),
            psutil.cpu_count(logical=False) or 1,
            psutil.virtual_memory().total / 2**30,
            f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            os.getloadavg()[0],
            version("llama-cpp-python"),
            _commit(),
        )

    def lines(self) -> list[str]:
        return [
            f"{self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB; {self.system}",
            f"lms {self.commit}, llama-cpp-python {self.llama_cpp_python}; load before the start {self.load_1min:.2f}",
        ]


def _processor() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or "unknown processor"


def _commit() -> str:
    """Of the working tree, with a + for changes; a version where there is no repository."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return version("lms")
    return said.stdout.strip()
