"""What is measured. Every scenario is a function of an installation that returns one figure."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import lms
from lms.client import DaemonClient
from lms.client.control import InstanceRow
from lms.paths import Home
from tools.bench import client
from tools.installation import Installation, fresh_installation

MODEL = "tiny-chat"
PROMPT = "Count from 1 to 99."
MAX_TOKENS = 256
LONG_PROMPT_WORDS = 450
WORDS = "the small red house stands on a green hill and looks over the old river".split()
GREEDY = {"temperature": 0, "repeat_penalty": 1.0, "max_tokens": MAX_TOKENS}


@dataclass(frozen=True)
class Serving:
    """A running server with the chat model loaded for `streams` at once."""

    installation: Installation
    port: int

    def chat(self, streams: int) -> client.Load:
        body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], **GREEDY}
        return client.run(self.port, "/v1/chat/completions", [body] * streams)

    def leave_s(self, state: str, run: int) -> float:
        """From the moment a client hangs up, while its answer is in `state`, until its slot is free."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": long_prompt(f"{run} leaves {state}")}]}
        client_socket = client.send(self.port, "/v1/chat/completions", body | {"stream": True})
        with closing(DaemonClient(Home(self.installation.home))) as daemon:
            wait_for(daemon, lambda instance: instance.state == state)
            client_socket.close()
            return seconds(lambda: wait_for(daemon, lambda instance: instance.running == 0))

    def interfere(self, run: int) -> client.Interference:
        body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], **GREEDY}
        long_bodies = [
            body | {"messages": [{"role": "user", "content": long_prompt(first_word)}], "max_tokens": 8}
            for first_word in (f"{run} joins", f"alone {run}")
        ]
        return client.interfere(self.port, "/v1/chat/completions", body, long_bodies)


def wait_for(daemon: DaemonClient, wanted: Callable[[InstanceRow], bool]) -> None:
    """Ask again and again, without a pause, until the model is as wanted. Raises TimeoutError after a minute."""
    deadline_s = time.monotonic() + 60
    while not wanted(next(i for i in daemon.instances() if i.identifier == MODEL)):
        if time.monotonic() > deadline_s:
            raise TimeoutError("The model never came into the state that was waited for.")


def long_prompt(first_words: str) -> str:
    """Some 1,200 tokens that share no beginning with any other such prompt."""
    return first_words + " ".join(WORDS[i % len(WORDS)] for i in range(LONG_PROMPT_WORDS))


def start_to_ready_s() -> float:
    """From nothing: the daemon and the server, until `lms server start` says so."""
    with fresh_installation() as installation:
        return seconds(lambda: installation.lms("server", "start", "--port", "0", "--quiet"))


def load_to_first_token_s() -> float:
    """From a running server: `lms load`, then the first token of a streamed answer, as a client sees both."""
    with fresh_installation() as installation:
        port = installation.lms_json("server", "start", "--port", "0", "--quiet")["port"]
        started_s = time.perf_counter()
        installation.lms("load", MODEL, "--quiet")
        loaded_s = time.perf_counter() - started_s
        return loaded_s + Serving(installation, port).chat(1).first_token_p50_s


def command_s(installation: Installation, *words: str) -> float:
    """A whole `lms WORDS`, as the shell sees it."""
    return seconds(lambda: installation.lms(*words))


def inside_tokens_per_second(streams: int) -> float:
    """The same work in the engine's loop, without daemon, front and HTTP."""
    command = [sys.executable, "-m", "tools.bench.inside", model_file(), str(streams), str(MAX_TOKENS), PROMPT]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def resident_mb(installation: Installation) -> dict[str, float]:
    """Resident megabytes (base 1000) of each kind of process, children of gunicorn's masters included."""
    daemon = psutil.Process(installation.lms_json("daemon", "status")["pid"])
    resident = {"daemon": daemon.memory_info().rss, "front": 0, "engine": 0}
    for process in daemon.children(recursive=True):
        command = " ".join(process.cmdline())
        kind = "engine" if "lms.engine" in command else "front" if "lms.daemon.front" in command else "daemon"
        resident[kind] += process.memory_info().rss
    return {kind: size / 1e6 for kind, size in resident.items()}


def model_file() -> str:
    """The bundled chat model's file."""
    (file,) = (Path(lms.__file__).parent / "bundled" / "lms" / MODEL).glob("*.gguf")
    return str(file)


def seconds(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s
