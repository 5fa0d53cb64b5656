"""Limits are changed for good, so each is tried in a process of its own."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from lms.limits import allow_descriptors
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
allow_descriptors(wanted)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "allowed"),
    [(64, 512, 256, 256), (64, 128, 256, 128), (200, 512, 100, 200)],
    ids=["raised", "as far as the hard limit", "never lowered"],
)
def test_as_many_files_as_wanted_may_be_open(soft: int, hard: int, wanted: int, allowed: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(wanted)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(allowed), str(hard)]
