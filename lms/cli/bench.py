"""`lms bench`: how fast a model answers here, alone and with others at once. The measuring is `bench_run.py`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli import units
from lms.cli.chat_model import loaded
from lms.cli.command import command
from lms.cli.output import Table
from lms.cli.session import Session
from lms.cli.values import MOST_INT32, whole_number

if TYPE_CHECKING:
    from lms.cli.bench_run import Figures
    from lms.client.control import InstanceRow

DEFAULT_STREAMS = (1, 4, 16)
MOST_STREAMS = 128
DEFAULT_TOKENS, DEFAULT_WORDS = 64, 128
DEFAULT_TTL_S = 3600


def _streams(typed: str) -> tuple[int, ...]:
    return tuple(whole_number("--streams", word, 1, MOST_STREAMS) for word in typed.split(","))


def _tokens(typed: str) -> int:
    return whole_number("--tokens", typed, 2, MOST_INT32)


def _words(typed: str) -> int:
    return whole_number("--prompt-words", typed, 1, 10**6)


Model = Annotated[
    str | None, typer.Argument(metavar="model", help="An identifier or a key. Default: the loaded model used last.")
]
Streams = Annotated[
    tuple | None,  # type: ignore[type-arg]
    typer.Option("--streams", parser=_streams, metavar="N,…", help="How many answers at once. Default: 1,4,16."),
]
Tokens = Annotated[
    int | None, typer.Option("--tokens", parser=_tokens, metavar="N", help="Tokens of each answer. Default: 64.")
]
Words = Annotated[
    int | None, typer.Option("--prompt-words", parser=_words, metavar="N", help="Words of each prompt. Default: 128.")
]
Plot = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw a chart: .png, .svg or .pdf.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: of several matches take the first.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms bench qwen3-4b", "at 1, 4 and 16 streams"),
        ("lms bench qwen3-4b --streams 1,2 --tokens 256 --json", "your own measure, for programs"),
        ("lms bench --plot bench.png", "with a chart"),
    ]
    command(root, "bench", section=section, examples=examples)(bench)


def bench(
    session: Session,
    model: Model = None,
    streams: Streams = None,
    tokens: Tokens = None,
    prompt_words: Words = None,
    plot: Plot = None,
    yes: Yes = False,
) -> None:
    """Measure time to first token and tokens per second. Every prompt is new: nothing of it was read before."""
    from lms.cli import bench_chart, bench_run

    if plot is not None:
        bench_chart.require(plot)
    daemon = session.daemon()
    row = loaded(session, daemon, model, DEFAULT_TTL_S, yes=yes, ask=True)
    sizes = streams or DEFAULT_STREAMS
    wanted = bench_run.Wanted(row.identifier, prompt_words or DEFAULT_WORDS, tokens or DEFAULT_TOKENS)
    figures = []
    with session.output.progress(f"Measuring {row.identifier}") as progress:
        bench_run.warm_up(daemon, wanted)
        for number, size in enumerate(sizes, start=1):
            figures.append(bench_run.measure(daemon, wanted, size))
            progress(number / len(sizes))
    _show(session, row, figures)
    if plot is not None:
        bench_chart.draw(plot, row.identifier, figures)
        session.output.say(f"The chart is in {plot}.")


def _show(session: Session, row: "InstanceRow", figures: "list[Figures]") -> None:
    if session.output.as_json:
        shapes = [figure.shape() for figure in figures]
        session.output.json({"model": row.identifier, "parallel": row.parallel, "results": shapes})
        return
    session.output.say(f"{row.identifier}, which works on {units.count(row.parallel, 'request')} at once")
    headers = ("STREAMS", "FIRST TOKEN", "SLOWEST", "TOK/S EACH", "TOK/S ALL", "PROMPT", "ANSWER")
    session.output.table(Table(headers, tuple(figure.cells() for figure in figures)))
