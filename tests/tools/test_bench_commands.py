import shutil
import subprocess
from pathlib import Path

import pytest

from tools.bench import commands
from tools.installation import Installation


@pytest.fixture(params=["hyperfine", "own clock"])
def installation(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """With hyperfine on the path, and with nothing there."""
    if request.param == "own clock":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif shutil.which("hyperfine") is None:
        pytest.skip("hyperfine is not installed")
    return Installation(tmp_path)


def test_every_run_is_a_value(installation: Installation) -> None:
    values = commands.command_s(installation, "version", runs=2)
    assert len(values) == 2
    assert min(values) > 0


def test_a_command_that_fails_has_no_time(installation: Installation) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        commands.command_s(installation, "no-such-command", runs=2)


def test_what_measures_is_said(installation: Installation) -> None:
    assert "hyperfine" in commands.clock()
    assert ("not installed" in commands.clock()) == (shutil.which("hyperfine") is None)
