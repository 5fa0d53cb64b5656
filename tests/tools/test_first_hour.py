"""The transcript of a first hour: what it is made of, and that the program still behaves as it says."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.first_hour import document
from tools.first_hour.__main__ import DOCUMENT
from tools.first_hour.document import normal, one_screen, transcript
from tools.first_hour.steps import HOUR, Part, Step, steps

TYPED = [step.command.partition("\n")[0] for step in steps()]


def test_the_document_has_the_steps_of_the_script() -> None:
    text = DOCUMENT.read_text()
    assert document.commands(text) == TYPED
    assert [step.why for step in steps() if f"\n{step.why}" not in text] == []
    assert [part.title for part in HOUR if f"\n## {part.title}\n" not in text] == []


@pytest.mark.real
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("curl") is None, reason="a step of it needs curl")
def test_the_script_runs_through_and_nothing_of_this_machine_stays_in_what_it_writes(tmp_path: Path) -> None:
    out = tmp_path / "hour.md"
    done = subprocess.run(
        [sys.executable, "-m", "tools.first_hour", "--out", str(out)],
        cwd=DOCUMENT.parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = out.read_text()
    assert document.commands(text) == TYPED
    assert [line for line in text.splitlines() if "/tmp/" in line or str(Path.home()) in line or "\x1b" in line] == []
    assert "http://127.0.0.1:1234" in text


def test_a_step_stands_with_its_reason_its_screen_and_its_end() -> None:
    step = Step("A typing error.", "lms lod", code=2)
    text = transcript([Part("Slips", (step,))], {step: ["Error: No such command: lod."]})
    assert text.endswith(
        "## Slips\n\nA typing error. It ends with 2.\n\n```console\n$ lms lod\nError: No such command: lod.\n```\n"
    )


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("running on port 39709: http://127.0.0.1:39709", "running on port 1234: http://127.0.0.1:1234"),
        ("1397090 bytes", "1397090 bytes"),
        ("/tmp/lms-x/home/.lms/models/a.gguf", "~/.lms/models/a.gguf"),
        ("Accept their terms at http://127.0.0.1:5000/a/b, then", "Accept their terms at https://hub/a/b, then"),
        ("Daemon: ON (PID: 11711)", "Daemon: ON (PID: …)"),
        ("Error: Port 8080 is taken by python3.11 (process 7).", "Error: Port 8080 is taken by python (process …)."),
        ("Loaded in 66.06ms.", "Loaded in …ms."),
        ("  Time to First Token: 0.008s", "  Time to First Token: …s"),
        ("needs about 4.36 MiB of this machine's 23.54 GiB.", "needs about 4.36 MiB of this machine's … GiB."),
        ("needs about 4.36 MiB of this container's 512.00 MiB.", "needs about 4.36 MiB of this machine's … GiB."),
        ("━━╸━━ 2.5/3.8 MB 1.7 MB/s 0:00:01", "━━╸━━ 2.5/3.8 MB … MB/s …"),
        ("━━╸━━ 2.5/3.8 MB ? -:--:--", "━━╸━━ 2.5/3.8 MB … MB/s …"),
        ("2026-11-22 22:10:06 GET /v1/models 200 1 ms", "2026-01-31 12:00:00 GET /v1/models 200 … ms"),
        ("dc50fb58    2026-11-22 22:10:12    Hello!", "…           2026-01-31 12:00:00    Hello!"),
        ("4          167.57ms       1.31s       510       32", "4          …              …           …         32"),
        ("sk-lm-O4ZpW97G:X20LvMuRFbovHSSnAlEL", "sk-lm-…:…"),
        ("Model Memory:           3.63 MiB", "Model Memory:           3.63 MiB"),
        ("little-talker    temperature    0.0      file", "little-talker    temperature    0.0      file"),
    ],
)  # fmt: skip
def test_what_differs_from_run_to_run_does_not_reach_the_document(shown: str, written: str) -> None:
    names = {"http://127.0.0.1:5000": "https://hub", "/tmp/lms-x/home": "~", "39709": "1234"}
    assert normal([shown], names) == [written]


def test_a_bar_that_is_gone_at_the_end_stands_where_it_was() -> None:
    asked = ["Download it? [Y/n]"]
    assert one_screen([[*asked, "━━━ 2.5/3.8 MB"]], [*asked, "Downloaded."]) == [
        *asked,
        "━━━ 2.5/3.8 MB",
        "Downloaded.",
    ]
    assert one_screen([], asked) == asked
