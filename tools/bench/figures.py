"""The figures of our own: how long things take that no peer does in the same way. Each function returns one figure."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import psutil

from lms.client import DaemonClient
from lms.client.control import InstanceRow
from lms.paths import Home
from tools.bench import load
from tools.bench.answers import answer
from tools.bench.load import Call, Exchange
from tools.bench.scenarios import TINY_CHAT
from tools.bench.workloads import GREEDY
from tools.installation import Installation, fresh_installation

MODEL = "tiny-chat"
PROMPT = "Count from 1 to 99."
MAX_TOKENS = 256
STREAMS = 8
LONG_PROMPT_WORDS = 450
WORDS = "the small red house stands on a green hill and looks over the old river".split()


def chat(prompt: str, max_tokens: int = MAX_TOKENS) -> Call:
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "max_tokens": max_tokens}
    return Call.streamed("/chat/completions", body | GREEDY)


@dataclass(frozen=True)
class Interference:
    """Eight running answers that a long prompt joins. `alone_s` is how long that prompt takes with nobody beside it."""

    longest_gap_s: float
    alone_s: float


@dataclass(frozen=True)
class Serving:
    """A running server with the chat model loaded for 16 streams at once."""

    installation: Installation
    port: int

    @classmethod
    def start(cls, installation: Installation) -> "Serving":
        """The first request, which pays for the front's imports, is behind it."""
        port = installation.lms_json("server", "start", "--port", "0", "--quiet")["port"]
        installation.lms("load", MODEL, "--parallel", "16", "--quiet")
        serving = cls(installation, port)
        serving.chat(1)
        return serving

    def chat(self, streams: int) -> load.Together:
        return load.stream_together(self.port, [chat(PROMPT)] * streams)

    def interfere(self, run: int) -> Interference:
        """One of the eight leaves when the long prompt arrives; one as long, unlike it from its first word on, is then
        asked alone."""
        return load.run(lambda: self._interfere(chat(long_prompt(f"{run} joins"), 8), chat(long_prompt(f"a {run}"), 8)))

    def leave_s(self, state: str, run: int) -> float:
        """From the moment a client hangs up, while its answer is in `state`, until its slot is free."""
        return load.run(lambda: self._leave(state, chat(long_prompt(f"{run} leaves {state}"))))

    async def _interfere(self, joining: Call, alone: Call) -> Interference:
        streams = [await Exchange.start(self.port, chat(PROMPT)) for _ in range(STREAMS)]
        for stream in streams:
            await stream.text()
        leaving, *staying = streams
        await leaving.leave()
        await load.ask(self.port, joining)
        stayed = [answer(await stream.reply()) for stream in staying]
        gap_s = max(max(one.gaps_s) for one in stayed)
        return Interference(gap_s, answer(await load.ask(self.port, alone)).first_token_s)

    async def _leave(self, state: str, call: Call) -> float:
        """Waits without giving way to the client, which has nothing to do but to stay or to leave."""
        stream = await Exchange.start(self.port, call)
        with closing(DaemonClient(Home(self.installation.home))) as daemon:
            wait_for(daemon, lambda instance: instance.state == state)
            await stream.leave()
            return seconds(lambda: wait_for(daemon, lambda instance: instance.running == 0))


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
        return loaded_s + Serving(installation, port).chat(1).answers[0].first_token_s


def inside_tokens_per_second(streams: int) -> float:
    """The same work in the engine's loop, without daemon, front and HTTP."""
    command = [sys.executable, "-m", "tools.bench.inside", str(TINY_CHAT), str(streams), str(MAX_TOKENS), PROMPT]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def resident_mb(installation: Installation) -> dict[str, float]:
    """Resident megabytes (base 1000) of each kind of process, children of gunicorn's masters included."""
    daemon = psutil.Process(installation.lms_json("daemon", "status")["pid"])
    resident = {"daemon": daemon.memory_info().rss, "front": 0, "engine": 0}
    for process in daemon.children(recursive=True):
        resident[kind_of(process)] += process.memory_info().rss
    return {kind: size / 1e6 for kind, size in resident.items()}


def kind_of(process: psutil.Process) -> str:
    """`daemon`, `front` or `engine`, by its command line."""
    command = " ".join(process.cmdline())
    return "engine" if "lms.engine" in command else "front" if "lms.daemon.front" in command else "daemon"


def seconds(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s
