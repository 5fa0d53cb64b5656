"""In a process of its own each time: a test's process has threads, and a fork would leave them behind."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("attempt", "survived"),
    [
        ("lambda: None", True),
        ("lambda: 1 / 0", True),
        ("lambda: os.kill(os.getpid(), signal.SIGSEGV)", False),
        ("lambda: os.kill(os.getpid(), signal.SIGILL)", False),
    ],
)
def test_only_a_signal_counts_as_death(attempt: str, survived: bool) -> None:
    script = f"import os, signal; from lms.engine.llama_trial import survives; print(survives({attempt}))"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == f"{survived}\n"
