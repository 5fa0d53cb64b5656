"""Markdown that is set while it is written: blocks that are whole stay, the one that grows is drawn anew.

Only the last block is drawn again, because a terminal cannot take back what has left it at the top.
"""

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown


class Growing:
    """One text. What is left of it when the block is left stays too, also when that is for an exception."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False, vertical_overflow="ellipsis")
        self._text = ""
        self._set = 0

    def __enter__(self) -> "Growing":
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        self._print(len(self._text))

    def take(self, text: str) -> None:
        """The whole text so far."""
        self._text = text
        whole = self._set + whole_blocks(text[self._set :])
        if whole > self._set:
            self._print(whole)
        self._live.update(Markdown(text[self._set :]), refresh=True)

    def _print(self, end: int) -> None:
        block = self._text[self._set : end].strip("\n")
        if block:
            self._console.print(Markdown(block))
            self._console.print()
        self._set = end


def whole_blocks(text: str) -> int:
    """How many characters of `text` are blocks that nothing behind them can change: up to the last blank line that is
    in no fenced code."""
    end, place, fence = 0, 0, ""
    for line in text.splitlines(keepends=True):
        place += len(line)
        bare = line.strip()
        if fence:
            fence = "" if bare.startswith(fence) else fence
        elif bare.startswith(("```", "~~~")):
            fence = bare[:3]
        elif not bare and line.endswith("\n"):
            end = place
    return end
