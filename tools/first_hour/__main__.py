"""`make first-hour`: the program in the hands of somebody new, written down as docs/first-hour.md."""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lms.paths import bundled_models_dir
from tests.hub.process import HubProcess
from tools.first_hour import document
from tools.first_hour.steps import HOUR, PROMPT, SCRIPT, SERVER_PORT, TAKEN_PORT, Seen, Step, Typed, steps
from tools.first_hour.terminal import Terminal

REPO_ROOT = Path(__file__).parents[2]
DOCUMENT = REPO_ROOT / "docs" / "first-hour.md"
GATED = "else/Talkative-7B-GGUF"
REPOS = {"someone/Little-Talker-GGUF": "Little-Talker-F16.gguf", GATED: "Talkative-7B-Q4_K_M.gguf"}
# So much comes of a model's file before its bar is looked at.
SHOWN_BYTES = 2_500_000
KEPT_VARIABLES = ("TMPDIR", "LD_LIBRARY_PATH", "LMS_ENGINE")


@dataclass(frozen=True)
class Place:
    """Where the hour is spent: a person's home, a hub, and two ports."""

    home: Path
    hub: HubProcess
    server_port: int
    taken_port: int

    def environment(self) -> dict[str, str]:
        """Next to nothing of ours."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
        person = {"HOME": str(self.home), "SHELL": "/bin/bash", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        ours = {"HF_ENDPOINT": self.hub.address, "LMS_SERVER_PORT": str(self.server_port), "PYTHONPATH": str(REPO_ROOT)}
        return kept | person | ours | {"PATH": programs}

    def here(self, text: str) -> str:
        """What stands in the document, as it is typed here."""
        real = text.replace(f"localhost:{SERVER_PORT}", f"localhost:{self.server_port}")
        return real.replace(f"--port {TAKEN_PORT}", f"--port {self.taken_port}")

    def names(self) -> dict[str, str]:
        """What is called otherwise in the document."""
        return {
            self.hub.address: "https://huggingface.co",
            str(self.home): "~",
            str(bundled_models_dir().parent.parent): "~/.venv/lib",
            str(self.server_port): str(SERVER_PORT),
            str(self.taken_port): str(TAKEN_PORT),
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.first_hour", description=__doc__)
    parser.add_argument("--out", type=Path, default=DOCUMENT, metavar="FILE", help=f"default: {DOCUMENT}")
    out = parser.parse_args().out
    with arranged() as place:
        screens = {step: spend(step, place) for step in steps()}
    out.write_text(document.transcript(HOUR, screens))
    print(f"{len(screens)} commands, and what they showed, are in {out}.")


@contextmanager
def arranged() -> Iterator[Place]:
    """A place where nobody has been before, which is left as it was found."""
    with tempfile.TemporaryDirectory(prefix="lms-") as folder, socket.create_server(("127.0.0.1", 0)) as taken:
        home = Path(folder, "home")
        home.mkdir()
        with closing(HubProcess(Path(folder, "hub"))) as hub:
            place = Place(home, hub, free_port(), taken.getsockname()[1])
            (home / "ask.py").write_text(place.here(SCRIPT))
            model = next(bundled_models_dir().rglob("tiny-chat-*.gguf")).read_bytes()
            for repo, name in REPOS.items():
                hub.add(repo, {name: model})
            hub.trouble(gated=[GATED], hold_after=SHOWN_BYTES)
            try:
                yield place
            finally:
                subprocess.run(["lms", "daemon", "down", "--quiet"], env=place.environment(), check=False)


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def spend(step: Step, place: Place) -> list[str]:
    """Type it, and return what the screen shows. Raises RuntimeError when it ends in another way than it should."""
    print(f"$ {step.command}", flush=True)
    shell = shutil.which("sh") or "/bin/sh"
    terminal = Terminal([shell, "-c", place.here(step.command)], place.environment(), place.home)
    kept = [screen for moment in step.during for screen in happen(moment, terminal, place.hub)]
    code = terminal.end()
    shown = document.one_screen(kept, terminal.lines())
    if code != step.code:
        raise RuntimeError(f"“{step.command}” ended with {code} and not with {step.code}:\n" + "\n".join(shown))
    return document.normal(shown, place.names())


def happen(moment: Typed | Seen, terminal: Terminal, hub: HubProcess) -> Iterator[list[str]]:
    """What is to happen while a command runs. Gives the screen where that is worth keeping."""
    match moment:
        case Typed(after, keys):
            before = terminal.wait_until(lambda lines: bool(lines) and lines[-1].endswith(after))
            terminal.type(keys)
            if after == PROMPT:  # it comes back, and must not be taken for the one just answered
                terminal.wait_until(lambda lines: lines != before)
        case Seen(text):
            yield terminal.wait_until(lambda lines: text in "\n".join(lines))
            hub.release()


if __name__ == "__main__":
    main()
