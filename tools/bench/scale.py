"""`make bench-scale`: what more streams and longer contexts cost. Ours alone, on the random 0.5B model.

Prints a table for each and draws a chart of it: build/bench/streams.png and contexts.png.
"""

import argparse
import itertools
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from tools.bench import charts, load, models, results, servers, table, texts
from tools.bench.answers import Answer
from tools.bench.figures import kind_of
from tools.bench.machine import Machine
from tools.bench.servers import Ours, Server, Setup
from tools.bench.workloads import chat, quantile, user

STREAMS = (1, 2, 4, 8, 16, 32, 64)
CONTEXTS = (512, 1024, 2048, 4096, 8192, 16384)
SHARED_TOKENS = 16384  # room for 64 streams at once
PROMPT_WORDS, ANSWER_TOKENS = 96, 32
TEMPLATE_TOKENS = 16


@dataclass(frozen=True)
class Point:
    """`size` is streams, or the context's tokens; decoding and reading in tokens per second, medians of all runs.

    `generated` counts what all streams together got per second of the whole, prompts included.
    """

    size: int
    generated_per_s: float
    decoded_per_s: float
    read_per_s: float
    first_p50_s: float
    first_p95_s: float
    resident_mb: float


def main() -> None:
    asked = _arguments()
    machine = Machine.here()
    print("\n".join(machine.lines()), flush=True)
    models.QWEN.made()
    found: dict[str, list[Point]] = {}
    with servers.ours() as ours:
        for name, points in (("streams", _streams), ("contexts", _contexts)):
            if asked.name in (None, name):
                found[name] = _shown(name, points(ours, asked), table.markdown if asked.markdown else table.lines)
                print(f"The chart is in {charts.draw(name, found[name], models.QWEN.path.name)}.", flush=True)
    shape = {name: [asdict(point) for point in points] for name, points in found.items()}
    print(f"\nAll of it is in {results.save('scale', machine, shape)}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.scale", description=__doc__)
    parser.add_argument("name", nargs="?", choices=["streams", "contexts"], help="only this one")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="for each point (default 3)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: as the server thinks best")
    parser.add_argument("--markdown", action="store_true", help="the tables as a README has them")
    parser.add_argument("--most", type=int, default=2**20, metavar="N", help="leave larger points out")
    return parser.parse_args()


def _streams(ours: Ours, asked: argparse.Namespace) -> Iterator[Point]:
    """One load for all, with a slot for every stream of the largest point."""
    sizes = [size for size in STREAMS if size <= asked.most]
    with ours.serving(Setup(models.QWEN.path, SHARED_TOKENS, max(sizes), threads=asked.threads)) as server:
        for size in sizes:
            yield _point(server, size, size, PROMPT_WORDS, asked.runs)


def _contexts(ours: Ours, asked: argparse.Namespace) -> Iterator[Point]:
    """A load for each: one stream whose prompt fills the context but for the answer."""
    for size in (size for size in CONTEXTS if size <= asked.most):
        with ours.serving(Setup(models.QWEN.path, size, slots=1, threads=asked.threads)) as server:
            yield _point(server, size, 1, size - ANSWER_TOKENS - TEMPLATE_TOKENS, asked.runs)


_salts = itertools.count(1)


def _point(server: Server, size: int, streams: int, prompt_words: int, runs: int) -> Point:
    """Ask `runs` times for so many answers at once, no two prompts alike."""
    taken = [_ask(server, streams, prompt_words) for _ in range(runs)]
    answers = [answer for one in taken for answer in one.answers]
    firsts_s = [answer.first_token_s for answer in answers]
    return Point(
        size,
        statistics.median(one.tokens_per_second for one in taken),
        statistics.median(_decoded_per_s(answer) for answer in answers),
        statistics.median(answer.usage.prompt / answer.first_token_s for answer in answers),
        statistics.median(firsts_s),
        quantile(firsts_s, 0.95),
        engine_resident_mb(server),
    )


def _ask(server: Server, streams: int, prompt_words: int) -> load.Together:
    prompts = [texts.words(prompt_words, next(_salts)) for _ in range(streams)]
    return load.stream_together(server.port, [chat(server, [user(prompt)], ANSWER_TOKENS) for prompt in prompts])


def _decoded_per_s(answer: Answer) -> float:
    return (answer.usage.completion - 1) / max(sum(answer.gaps_s), 1e-9)


def engine_resident_mb(server: Server) -> float:
    """Resident megabytes (base 1000) of the engines, which here is one."""
    return sum(one.memory_info().rss for one in server.processes() if kind_of(one) == "engine") / 1e6


def _shown(name: str, points: Iterator[Point], drawn: Callable[[list[list[str]]], list[str]]) -> list[Point]:
    """All points, a dot for each as soon as it is there, then their table."""
    columns: list[tuple[str, Callable[[Point], str]]] = [
        (name, lambda point: str(point.size)),
        ("all tok/s", lambda point: f"{point.generated_per_s:.1f}"),
        ("decode tok/s each", lambda point: f"{point.decoded_per_s:.1f}"),
        ("prompt tok/s each", lambda point: f"{point.read_per_s:.0f}"),
        ("first token p50", lambda point: table.number(point.first_p50_s, "s")),
        ("p95", lambda point: table.number(point.first_p95_s, "s")),
        ("engine RSS", lambda point: f"{point.resident_mb:.0f} MB"),
    ]
    found = []
    for point in points:
        print(".", end="", flush=True)
        found.append(point)
    rows = [[head for head, _ in columns], *([cell(point) for _, cell in columns] for point in found)]
    print("\n" + "\n".join(drawn(rows)), flush=True)
    return found


if __name__ == "__main__":
    main()
