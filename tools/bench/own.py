"""The second half of `make bench`: the figures of our own, a line for each as soon as it is known."""

import statistics
from collections.abc import Callable

from tools.bench import commands, figures
from tools.bench.figures import MODEL, Serving
from tools.bench.table import VERDICTS
from tools.installation import fresh_installation

LINE = "{:<46}{:>14}{:>14}{:>14}"
Values = dict[str, list[float]]


class Report:
    """Prints each figure, and keeps its values. `runs` of each."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.values: Values = {}
        print(LINE.format("figure", "median", "lowest", "highest"), flush=True)

    def measure(self, name: str, unit: str, once: Callable[[], float]) -> None:
        self.show(name, unit, [once() for _ in range(self.runs)])

    def show(self, name: str, unit: str, values: list[float], most: float | None = None) -> None:
        """`most`: what the median should not be above."""
        self.values[f"{name} ({unit})"] = values
        columns = (statistics.median(values), min(values), max(values))
        aim = "" if most is None else f"  ≤ {most:g} {unit} {VERDICTS[columns[0] <= most]}"
        line = LINE.format(name, *(f"{value:.{0 if value >= 100 else 2}f} {unit}" for value in columns))
        print(line + aim, flush=True)


def measure_all(runs: int) -> Values:
    """Every figure, with the values of all runs."""
    report = Report(runs)
    report.measure("lms server start, from nothing to ready", "s", figures.start_to_ready_s)
    report.measure("lms load, to the first token through HTTP", "s", figures.load_to_first_token_s)
    with fresh_installation() as installation:
        serving = Serving.start(installation)
        print(f"The next {len(commands.AIMS_S)}, {commands.RUNS} runs each, by {commands.clock()}:", flush=True)
        for words, most_s in commands.AIMS_S.items():
            report.show(f"lms {words}", "s", commands.command_s(installation, *words.split()), most_s)
        for streams in (1, 16):
            _throughput(report, serving, streams)
        _interference(report, serving)
        for kind, size_mb in figures.resident_mb(installation).items():
            report.show(f"resident memory, {kind}", "MB", [size_mb])
    return report.values


def _throughput(report: Report, serving: Serving, streams: int) -> None:
    """Through HTTP and inside the engine in turn, and the ratio of each pair."""
    http, inside = [], []
    for _ in range(report.runs):
        http.append(serving.chat(streams).tokens_per_second)
        inside.append(figures.inside_tokens_per_second(streams))
    name = f"{MODEL}, {streams} stream{'s' * (streams > 1)}"
    report.show(f"{name}, through HTTP", "tok/s", http)
    report.show(f"{name}, inside the engine", "tok/s", inside)
    report.show(f"{name}, HTTP / inside", "×", [h / i for h, i in zip(http, inside, strict=True)])


def _interference(report: Report, serving: Serving) -> None:
    """What the running answers notice of a long prompt."""
    seen = [serving.interfere(run) for run in range(report.runs)]
    report.show("8 streams, 1 leaves, a long prompt joins: gap", "ms", [1000 * one.longest_gap_s for one in seen])
    for state in ("processingPrompt", "generating"):
        left = [1000 * serving.leave_s(state, run) for run in range(report.runs)]
        report.show(f"a client leaves ({state}), slot free", "ms", left)
    report.show("the same prompt alone, to its first token", "ms", [1000 * one.alone_s for one in seen])
