"""An engine's process, played by small Python programs."""

import queue
import sys
import threading
from pathlib import Path

import psutil
import pytest

from lms.config.load import LoadConfig
from lms.engine.protocol import EngineSpec, Loading, Report
from lms.pool import process
from lms.pool.process import EngineProcess, Listener
from lms.pool.state import Exit

SPEC = EngineSpec("fake", "/models/tiny.gguf", "tiny", "tiny", "/run/engine-1.sock", LoadConfig())
UNTIL_STDIN_ENDS = "sys.stdin.buffer.read()"


class Ear:
    """Hears what an engine process says."""

    def __init__(self) -> None:
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.exits: queue.SimpleQueue[Exit] = queue.SimpleQueue()
        self.listener = Listener(self.reports.put, self.lines.put, self.exits.put)

    def exit(self) -> Exit:
        return self.exits.get(timeout=10)


def run(program: str, ear: Ear, patience_s: float = 5) -> EngineProcess:
    command = (sys.executable, "-c", f"import sys, os, time\n{program}")
    return EngineProcess(SPEC, ear.listener, command, patience_s, patience_s)


def test_reports_and_lines_are_passed_on() -> None:
    ear = Ear()
    run(
        "from lms.engine.protocol import Loading\nfrom lms.wire import pack\n"
        "sys.stdout.buffer.write(pack(Loading(0.25)) + pack(Loading(0.5)))\nprint('noise', file=sys.stderr)",
        ear,
    )
    assert ear.exit() == Exit("ended", "noise")
    assert [ear.reports.get(), ear.reports.get()] == [Loading(0.25), Loading(0.5)]
    assert ear.lines.get() == "noise"


def test_what_was_reported_is_heard_by_whoever_looks() -> None:
    ear, said = Ear(), threading.Event()
    heard: list[Report] = []

    program = (
        "from lms.engine.protocol import Loading\nfrom lms.wire import pack\n"
        "os.write(1, pack(Loading(0.25)) + pack(Loading(0.5)))\nprint('said', file=sys.stderr, flush=True)\n"
        + UNTIL_STDIN_ENDS
    )
    command = (sys.executable, "-c", f"import sys, os\n{program}")
    engine = EngineProcess(SPEC, Listener(heard.append, lambda _: said.set(), ear.exits.put), command)
    assert said.wait(30)
    assert engine.hear()
    assert heard == [Loading(0.25), Loading(0.5)]
    engine.stop()
    assert ear.exit() == Exit("ended", "said")
    assert engine.hear()


def test_the_engine_is_told_what_to_load() -> None:
    ear = Ear()
    program = (
        "from lms.engine.protocol import EngineSpec\nfrom lms.wire import Unpacker\n"
        "for spec in Unpacker(EngineSpec).feed(os.read(0, 65536)): print(spec.identifier, file=sys.stderr)"
    )
    run(program, ear)
    assert ear.exit().last_words == "tiny"


def test_it_ends_when_it_is_stopped() -> None:
    ear = Ear()
    engine = run(UNTIL_STDIN_ENDS, ear)
    engine.stop()
    engine.stop()
    assert ear.exit() == Exit("ended")
    assert not psutil.pid_exists(engine.pid)


def test_one_that_does_not_listen_is_made_to_end() -> None:
    ear = Ear()
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', file=sys.stderr, flush=True)"
    engine = run(f"{program}\nwhile True: time.sleep(1)", ear, patience_s=0.2)
    ear.lines.get(timeout=5)
    engine.stop()
    assert ear.exit().how == "was killed by SIGKILL"


@pytest.mark.parametrize(
    ("program", "how"),
    [("sys.exit(3)", "ended with exit code 3"), ("os.kill(os.getpid(), 9)", "was killed by SIGKILL")],
)
def test_the_exit_says_how_it_ended(program: str, how: str) -> None:
    ear = Ear()
    run(program, ear)
    assert ear.exit().how == how


def test_one_found_dead_has_told_its_exit() -> None:
    ear = Ear()
    engine = run(UNTIL_STDIN_ENDS, ear)
    assert not engine.has_ended()
    psutil.Process(engine.pid).kill()
    while not engine.has_ended():
        pass
    assert not ear.exits.empty()


def test_only_the_last_words_are_kept() -> None:
    ear = Ear()
    run("for n in range(1000): print('line', n, file=sys.stderr)", ear)
    words = ear.exit().last_words.splitlines()
    assert len(words) == process.LAST_LINES
    assert words[-1] == "line 999"


def test_one_that_reports_nonsense_is_ended() -> None:
    ear = Ear()
    run("sys.stdout.buffer.write(bytes(100)); sys.stdout.flush(); time.sleep(60)", ear)
    assert "unreadable" in ear.exit().last_words


def test_an_engine_inherits_no_descriptor_of_ours(tmp_path: Path) -> None:
    ear = Ear()
    with (tmp_path / "lock").open("w"):
        run("print(sorted(os.listdir('/dev/fd'))[:3], len(os.listdir('/dev/fd')), file=sys.stderr)", ear)
    assert ear.exit().last_words.endswith(" 4")  # its three pipes, and the folder that it lists


def test_a_program_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no-such"):
        EngineProcess(SPEC, Ear().listener, ("/no-such-program",))
