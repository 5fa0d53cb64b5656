"""The scripts in `examples/`, run as cron runs them: next to nothing in the environment, no terminal, no input."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.conftest import COMMAND_TIMEOUT_S, Lms

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(lms: Lms, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    kept = {name: value for name, value in lms.environ.items() if name in ("HOME", "LMS_HOME", "LMS_MODELS_DIR")}
    return subprocess.run(
        ["/bin/sh", str(EXAMPLES / script), *arguments],
        env=kept | {"PATH": programs},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
    )


def test_a_script_writes_summaries_beside_texts_and_leaves_those_that_are_there(lms: Lms, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("The sky is blue. Grass is green.")
    (tmp_path / "old.txt").write_text("Snow is white.")
    (tmp_path / "old.txt.summary").write_text("White.")
    done = run(lms, "summarize.sh", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (tmp_path / "new.txt.summary").read_text().strip()
    assert (tmp_path / "old.txt.summary").read_text() == "White."
    assert sorted(path.name for path in tmp_path.iterdir())[-1] == "old.txt.summary"


def test_a_script_whose_model_is_not_there_fails_and_leaves_no_summary(lms: Lms, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("The sky is blue.")
    done = run(lms, "summarize.sh", str(tmp_path), "no-such-model")
    assert done.returncode == 1
    assert "no-such-model" in done.stderr
    assert not (tmp_path / "new.txt.summary").exists()


def test_cron_keeps_a_server_on_and_one_instance_loaded_and_says_nothing(lms: Lms) -> None:
    lms("server", "start", "--port", "0")
    lms("server", "stop")
    for _ in range(2):
        done = run(lms, "keep-serving.sh")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert lms.client.server_status().running
    assert [row.identifier for row in lms.client.instances()] == ["tiny-chat"]


def test_cron_gets_to_read_what_is_wrong(lms: Lms) -> None:
    lms("server", "start", "--port", "0")
    done = run(lms, "keep-serving.sh", "no-such-model")
    assert done.returncode == 1
    assert "no-such-model" in done.stderr
