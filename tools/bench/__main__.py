"""Prints a line for each figure. Nothing else should run on the machine meanwhile; the spread tells if it did."""

import statistics
from collections.abc import Callable

import psutil

from tools.bench import scenarios
from tools.bench.scenarios import Serving
from tools.installation import Installation, fresh_installation

RUNS = 3
LINE = "{:<46}{:>14}{:>14}{:>14}"


def main() -> None:
    cores, memory_gib = psutil.cpu_count(logical=False), psutil.virtual_memory().total / 2**30
    print(f"lms on {cores} cores and {memory_gib:.0f} GiB, {RUNS} runs of each\n")
    print(LINE.format("figure", "median", "lowest", "highest"), flush=True)
    measure("lms server start, from nothing to ready", "s", scenarios.start_to_ready_s)
    measure("lms load, to the first token through HTTP", "s", scenarios.load_to_first_token_s)
    with fresh_installation() as installation:
        serving = serve(installation)
        measure("lms --help", "s", lambda: scenarios.command_s(installation, "--help"))
        measure("lms ps --json", "s", lambda: scenarios.command_s(installation, "ps", "--json"))
        for streams in (1, 16):
            throughput(serving, streams)
        interference(serving)
        for kind, size_mb in scenarios.resident_mb(installation).items():
            show(f"resident memory, {kind}", "MB", [size_mb])


def serve(installation: Installation) -> Serving:
    """A running server whose first request, which pays for the front's imports, is behind it."""
    port = installation.lms_json("server", "start", "--port", "0", "--quiet")["port"]
    installation.lms("load", scenarios.MODEL, "--parallel", "16", "--quiet")
    serving = Serving(installation, port)
    serving.chat(1)
    return serving


def throughput(serving: Serving, streams: int) -> None:
    """Through HTTP and inside the engine in turn, and the ratio of each pair."""
    http, inside = [], []
    for _ in range(RUNS):
        http.append(serving.chat(streams).tokens_per_second)
        inside.append(scenarios.inside_tokens_per_second(streams))
    name = f"{scenarios.MODEL}, {streams} stream{'s' * (streams > 1)}"
    show(f"{name}, through HTTP", "tok/s", http)
    show(f"{name}, inside the engine", "tok/s", inside)
    show(f"{name}, HTTP / inside", "×", [h / i for h, i in zip(http, inside, strict=True)])


def interference(serving: Serving) -> None:
    """What the running answers notice of a long prompt."""
    seen = [serving.interfere(run) for run in range(RUNS)]
    show("8 streams, 1 leaves, a long prompt joins: gap", "ms", [1000 * one.longest_gap_s for one in seen])
    for state in ("processingPrompt", "generating"):
        left = [1000 * serving.leave_s(state, run) for run in range(RUNS)]
        show(f"a client leaves ({state}), slot free", "ms", left)
    show("the same prompt alone, to its first token", "ms", [1000 * one.alone_s for one in seen])


def measure(name: str, unit: str, once: Callable[[], float]) -> None:
    show(name, unit, [once() for _ in range(RUNS)])


def show(name: str, unit: str, values: list[float]) -> None:
    columns = (statistics.median(values), min(values), max(values))
    print(LINE.format(name, *(f"{value:.{0 if value >= 100 else 2}f} {unit}" for value in columns)), flush=True)


if __name__ == "__main__":
    main()
