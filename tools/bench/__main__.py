"""Prints the figures as one table. Nothing else should run on the machine meanwhile; the spread tells if it did."""

import statistics
from collections.abc import Callable

import psutil
from rich.console import Console
from rich.table import Table

from tools.bench import scenarios
from tools.bench.scenarios import Serving
from tools.installation import Installation, fresh_installation

RUNS = 3


def main() -> None:
    table = Table("figure", "median", "lowest", "highest", title=f"lms on {machine()}, {RUNS} runs of each")
    row(table, "lms server start, from nothing to ready", "s", scenarios.start_to_ready_s)
    row(table, "lms load, to the first token through HTTP", "s", scenarios.load_to_first_token_s)
    with fresh_installation() as installation:
        serving = serve(installation)
        row(table, "lms --help", "s", lambda: scenarios.command_s(installation, "--help"))
        row(table, "lms ps --json", "s", lambda: scenarios.command_s(installation, "ps", "--json"))
        for streams in (1, 16):
            throughput(table, serving, streams)
        for kind, size_mb in scenarios.resident_mb(installation).items():
            table.add_row(f"resident memory, {kind}", f"{size_mb:.0f} MB")
    Console().print(table)


def serve(installation: Installation) -> Serving:
    port = installation.lms_json("server", "start", "--port", "0", "--quiet")["port"]
    installation.lms("load", scenarios.MODEL, "--parallel", "16", "--quiet")
    serving = Serving(installation, port)
    serving.chat(1)  # the first request pays for imports in the front
    return serving


def throughput(table: Table, serving: Serving, streams: int) -> None:
    """Through HTTP and inside the engine in turn, and the ratio of each pair."""
    http, inside = [], []
    for _ in range(RUNS):
        http.append(serving.chat(streams).tokens_per_second)
        inside.append(scenarios.inside_tokens_per_second(streams))
    name = f"{scenarios.MODEL}, {streams} stream{'s' * (streams > 1)}"
    figures(table, f"{name}, through HTTP", "tok/s", http)
    figures(table, f"{name}, inside the engine", "tok/s", inside)
    figures(table, f"{name}, ratio HTTP / inside", "", [h / i for h, i in zip(http, inside, strict=True)])


def row(table: Table, name: str, unit: str, measure: Callable[[], float]) -> None:
    figures(table, name, unit, [measure() for _ in range(RUNS)])


def figures(table: Table, name: str, unit: str, values: list[float]) -> None:
    middle, lowest, highest = statistics.median(values), min(values), max(values)
    table.add_row(name, *(f"{value:.{decimals(value)}f} {unit}".strip() for value in (middle, lowest, highest)))


def decimals(value: float) -> int:
    return 0 if value >= 100 else 2


def machine() -> str:
    return f"{psutil.cpu_count(logical=False)} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"


if __name__ == "__main__":
    main()
