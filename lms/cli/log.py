"""`lms log stream` and `lms log show`: what models are asked and answer, and what the server and the engines say, from
now on or up to now.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli.command import command, group
from lms.cli.session import Session
from lms.errors import DaemonUnreachable

if TYPE_CHECKING:
    from lms.cli.log_view import View
    from lms.logbus.records import LogRecord

app = group(
    "log",
    "Watch what happens.",
    examples=[
        ("lms log stream --stats", "prompts and answers with figures"),
        ("lms log show --since 2h", "what happened lately"),
    ],
)

Source = Annotated[
    str, typer.Option("--source", "-s", metavar="model|server|runtime", help="Whose events.", show_default=True)
]
KeptSource = Annotated[
    str, typer.Option("--source", "-s", metavar="all|model|server|runtime", help="Whose events.", show_default=True)
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="From then on: 10m, 2h, 3d, or a date. Default: all.")
]
Filter = Annotated[
    str | None, typer.Option("--filter", metavar="input|output", help="Only what models are asked, or only answers.")
]
Stats = Annotated[bool, typer.Option("--stats", help="Show the figures of each answer. JSON always has them.")]


def register(root: typer.Typer, section: str) -> None:
    root.add_typer(app, rich_help_panel=section)


@command(
    app,
    "stream",
    remote=True,
    examples=[
        ("lms log stream", "prompts as the models get them, and answers"),
        ("lms log stream --filter output --json | jq .data.output", "answers only"),
        ("lms log stream -s server", "requests that come in"),
    ],
)
def stream(session: Session, source: Source = "model", filter_: Filter = None, stats: Stats = False) -> None:
    """Print events as they come, until Ctrl-C. Nothing from before is shown."""
    from lms.cli.log_view import View

    view = View.of_flags(source, filter_, stats)
    with until_stopped(session):
        with closing(session.daemon().logs()) as records:
            session.output.say("Streaming logs. Ctrl-C ends it.\n")
            for record in filter(view.shows, records):
                _show(session, view, record)
        raise DaemonUnreachable(f"The {'server' if session.place else 'daemon'} has ended, and the log with it.")


@command(
    app,
    "show",
    examples=[
        ("lms log show --since 2h", "what the server and the engines said in the last two hours"),
        ("lms log show -s model --since 2026-01-31 --stats", "prompts and answers, where they are recorded"),
        ("lms log show --json | jq .data.content", "for programs"),
    ],
)
def show(
    session: Session,
    source: KeptSource = "all",
    since: Since = None,
    filter_: Filter = None,
    stats: Stats = False,
) -> None:
    """Print what was kept of the log, the oldest first.

    Prompts and answers are kept where the setting record is on. All that llama.cpp says comes with -s runtime.
    """
    import time

    from lms.cli.log_view import View
    from lms.cli.moments import moment
    from lms.logbus import kept

    view = View.of_all(stats) if source == "all" and filter_ is None else View.of_flags(source, filter_, stats)
    since_s = 0.0 if since is None else moment("--since", since, time.time())
    for record in kept.read(session.home.events):
        if record.timestamp >= since_s * 1000 and view.shows(record):
            _show(session, view, record, dated=True)


def _show(session: Session, view: "View", record: "LogRecord", *, dated: bool = False) -> None:
    from lms.cli.log_view import as_json, as_text

    if session.output.as_json:
        session.output.raw(as_json(record))
        return
    for line in as_text(record, view.stats, dated):
        session.output.data(*line)


@contextmanager
def until_stopped(session: Session) -> Iterator[None]:
    """Run the block until Ctrl-C, SIGTERM, or until nobody reads our output any more: all of these are a good end."""
    from lms.cli.stopping import stop_signals

    try:
        with stop_signals(session.output.stdout_fd):
            yield
    except KeyboardInterrupt:
        return
