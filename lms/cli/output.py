"""The one place that writes: data goes to stdout, talk to stderr, colours and progress only where a person looks.

Colours follow `NO_COLOR` and `FORCE_COLOR`; otherwise each stream decides for itself whether it is a terminal.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

Level = Literal["debug", "info", "warn", "error", "none"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warn", "error", "none")

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

# Between columns, in characters; the narrow one where a terminal would be too narrow. Wider columns may be folded.
GAP = 4
NARROW_GAP = 2
UNFOLDED_WIDTH = 12

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Styled:
    """A piece of text and the style it has where colours are shown."""

    text: str
    style: str = ""


Cell = str | Styled


@dataclass(frozen=True)
class Table:
    """Rows under upper-case headers. A table without rows is not shown.

    spare: columns that are left out, one after the other, where a terminal is too narrow for all
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    spare: tuple[str, ...] = ()

    def without(self, header: str) -> "Table":
        """The other columns."""
        kept = [column for column, each in enumerate(self.headers) if each != header]
        rows = tuple(tuple(row[column] for column in kept) for row in self.rows)
        return Table(tuple(self.headers[column] for column in kept), rows, self.spare)


class Output:
    """Both streams of the process. `level` and `as_json` are set once, when the command's flags are known."""

    def __init__(self, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._colours = {stream: _shows_colours(stream, environ) for stream in (stdout, stderr)}
        self.level: Level = "info"
        self.as_json = False

    @classmethod
    def of_process(cls) -> "Output":
        """The process's own streams, made unable to fail on a character that the terminal lacks."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdout or _nowhere(), sys.stderr or _nowhere(), os.environ)

    @property
    def reaches_a_person(self) -> bool:
        """Whether talk is wanted, and ends on a terminal."""
        return self._stderr.isatty() and not self._hides("info")

    @property
    def stdout_fd(self) -> int | None:
        """The file descriptor that data goes to, None when it goes to memory."""
        try:
            return self._stdout.fileno()
        except (OSError, ValueError):
            return None

    # Data, on stdout.

    def data(self, *pieces: Cell) -> None:
        """One line (or a text of several), flushed so that whoever reads a pipe sees it now."""
        self._stdout.write("".join(self._shown(piece, self._stdout) for piece in pieces) + "\n")
        self._stdout.flush()

    def json(self, value: Any) -> None:
        """`value` as one line of JSON."""
        self.raw(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def raw(self, line: str) -> None:
        """A line that is for programs: written as it is."""
        self._stdout.write(line + "\n")
        self._stdout.flush()

    def piece(self, text: str, style: str = "") -> None:
        """A part of a line, shown at once."""
        self._stdout.write(self._shown(Styled(text, style), self._stdout))
        self._stdout.flush()

    @property
    def shows_markdown(self) -> bool:
        """Whether a person reads stdout."""
        return self._stdout.isatty()

    @contextlib.contextmanager
    def markdown(self) -> Iterator[Callable[[str], None]]:
        """Text in Markdown, set as it grows, on a terminal. Gives the function that takes the whole of it so far."""
        from lms.cli.markdown import Growing

        with Growing(self._console(self._stdout)) as growing:
            yield lambda text: growing.take(visible(text))

    def table(self, table: Table) -> None:
        if not table.rows:
            return
        if self._stdout.isatty():
            self._rich_table(table)
        else:
            for line in columns(table):
                self.data(*line)

    @contextlib.contextmanager
    def screen(self) -> Iterator[Callable[[str, Table], None]]:
        """A summary over a table, drawn anew each time on a screen of its own, of which the last is left behind; one
        behind the other in a pipe. Gives the function that draws.
        """
        if not self._stdout.isatty() or self.as_json:
            yield self._draw_below
            return
        from rich.console import Group
        from rich.live import Live

        console = self._console(self._stdout)
        last: list[tuple[str, Table]] = []

        def draw(summary: str, table: Table) -> None:
            last[:] = [(summary, table)]
            live.update(Group(visible(summary), "", self._drawn(table, console)), refresh=True)

        try:
            with Live(console=console, screen=True, auto_refresh=False) as live:
                yield draw
        finally:
            for drawn in last:
                self._draw_below(*drawn)

    def _draw_below(self, summary: str, table: Table) -> None:
        self.data(summary)
        self.table(table)
        self.data("")

    # Talk, on stderr.

    def say(self, *pieces: Cell) -> None:
        """What was done, or is being done."""
        self._talk("info", *pieces)

    def warn(self, text: str) -> None:
        self._talk("warn", Styled("Warning: ", "yellow"), text)

    def hint(self, text: str) -> None:
        """What the user may do next."""
        self._talk("info", Styled(text, "dim"))

    def ask(self, question: str) -> None:
        """A question whose answer is typed behind it."""
        self._stderr.write(question)
        self._stderr.flush()

    def fail(self, message: str, hint: str | None = None, candidates: Sequence[str] = ()) -> None:
        """Why the command did not do what it should, and what to do about it."""
        self._talk("error", Styled("Error: ", "red"), message)
        for candidate in candidates:
            self._talk("error", f"  {candidate}")
        if hint:
            self._talk("error", Styled(hint, "dim"))

    def fail_as_json(self, error: dict[str, Any]) -> None:
        """The error as one line of JSON, on stderr: stdout stays empty."""
        if self.level != "none":
            self._stderr.write(json.dumps({"error": error}, ensure_ascii=False, separators=(",", ":")) + "\n")

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Callable[[float], None]]:
        """A progress bar while the block runs, if stderr is a terminal. Gives the function that takes 0 to 1."""
        if not self.reaches_a_person:
            yield lambda fraction: None
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        layout = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn()
        with Progress(*layout, console=self._console(self._stderr), transient=True) as bar:
            task = bar.add_task(title, total=1.0)
            yield lambda fraction: bar.update(task, completed=fraction)

    @contextlib.contextmanager
    def transfer(self, total_bytes: int) -> Iterator[Callable[[int], None]]:
        """A progress bar with rate and time to go, as `progress`. Gives the function that takes bytes."""
        if not self.reaches_a_person or self.as_json:
            yield lambda size_bytes: None
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        layout = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
        with Progress(*layout, console=self._console(self._stderr), transient=True) as bar:
            task = bar.add_task("", total=total_bytes)
            yield lambda size_bytes: bar.update(task, completed=size_bytes)

    def close(self) -> None:
        """Write what is buffered. Raises BrokenPipeError if the reader has left."""
        self._stdout.flush()
        self._stderr.flush()

    def abandon(self) -> None:
        """Forget what could not be written, so that the interpreter's own flush at its end finds nothing to fail on."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stdout.fileno())
            os.close(nowhere)

    def _talk(self, level: Level, *pieces: Cell) -> None:
        if not self._hides(level):
            self._stderr.write("".join(self._shown(piece, self._stderr) for piece in pieces) + "\n")
            self._stderr.flush()

    def _hides(self, level: Level) -> bool:
        return LEVELS.index(level) < LEVELS.index(self.level)

    def _shown(self, piece: Cell, stream: TextIO) -> str:
        text, style = (piece, "") if isinstance(piece, str) else (piece.text, piece.style)
        text = visible(text) if stream.isatty() else text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style and text and self._colours[stream] else text

    def _console(self, stream: TextIO) -> "Console":
        """A Rich console that keeps to our choice of colours."""
        from rich.console import Console

        system: Literal["auto"] | None = "auto" if self._colours[stream] else None
        return Console(file=stream, color_system=system, no_color=system is None, highlight=False, markup=False)

    def _rich_table(self, table: Table) -> None:
        console = self._console(self._stdout)
        console.print(self._drawn(table, console))

    def _drawn(self, table: Table, console: "Console") -> "RichTable":
        from rich.table import Table as RichTable
        from rich.text import Text

        table = fitting(table, console.width)
        widths = _widths(table)
        gap = GAP if sum(widths) + GAP * len(widths) <= console.width else NARROW_GAP
        drawn = RichTable(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
        for header, width in zip(table.headers, widths, strict=True):
            drawn.add_column(header, overflow="fold", no_wrap=width <= UNFOLDED_WIDTH)
        for row in table.rows:
            drawn.add_row(*(Text(visible(_text(cell)), style=_style(cell)) for cell in row))
        return drawn


def _nowhere() -> TextIO:
    """In place of a stream that the caller has closed (`lms ls >&-`), which Python shows as None."""
    return open(os.devnull, "w")


def columns(table: Table) -> Iterator[tuple[Cell, ...]]:
    """The table's lines in plain text: left-aligned columns, four spaces apart. A cell keeps to one line."""
    widths = _widths(table)
    for row in (table.headers, *table.rows):
        padded = [visible(_text(cell)).ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield tuple(
            Styled(text + " " * GAP * (column < len(padded) - 1), _style(cell))
            for column, (text, cell) in enumerate(zip(padded, row, strict=True))
        )


def fitting(table: Table, width: int) -> Table:
    """As much of `table` as goes into so many characters, as far as it has columns to spare."""
    for header in table.spare:
        widths = _widths(table)
        if sum(widths) + NARROW_GAP * (len(widths) - 1) <= width:
            break
        table = table.without(header)
    return table


def _widths(table: Table) -> list[int]:
    lines = zip(table.headers, *table.rows, strict=True)
    return [max(len(visible(_text(cell))) for cell in column) for column in lines]


def visible(text: str) -> str:
    """`text` with its control characters spelled out: a model's name or answer must not steer the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


def _text(cell: Cell) -> str:
    return cell.replace("\n", " ") if isinstance(cell, str) else cell.text.replace("\n", " ")


def _style(cell: Cell) -> str:
    return "" if isinstance(cell, str) else cell.style


def _shows_colours(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """https://no-color.org and https://force-color.org: set and not empty counts, NO_COLOR first."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return stream.isatty() and environ.get("TERM") != "dumb"
