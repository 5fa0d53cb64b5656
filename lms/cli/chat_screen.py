"""An answer as it comes: set as Markdown where a person looks, as the model wrote it in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from lms.cli.chat_pieces import Ended, Piece, Reading, Said, Thought
from lms.cli.output import Output


@dataclass
class Reply:
    """What there is of an answer so far. `ended` is there when it is whole."""

    said: list[str] = field(default_factory=list)
    thought: list[str] = field(default_factory=list)
    ended: Ended | None = None

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def reasoning(self) -> str:
        return "".join(self.thought)

    def take(self, piece: Piece) -> None:
        match piece:
            case Said(text):
                self.said.append(text)
            case Thought(text):
                self.thought.append(text)
            case Ended():
                self.ended = piece


def gather(pieces: Iterable[Piece], reply: Reply) -> None:
    """Show nothing."""
    for piece in pieces:
        reply.take(piece)


def show(output: Output, pieces: Iterable[Piece], reply: Reply) -> None:
    """Show each piece and put it into `reply`, which has what was shown also when something breaks it off."""
    (_set if output.shows_markdown else _pass_on)(output, _answered(output, pieces), reply)


def _answered(output: Output, pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces of the answer. Before it, a bar says how far the prompt is, if that takes more than a moment."""
    with ExitStack() as stack:
        progress: Callable[[float], None] | None = None
        for piece in pieces:
            if not isinstance(piece, Reading):
                stack.close()
                yield piece
            elif progress or piece.fraction < 1:
                progress = progress or stack.enter_context(output.progress("Processing the prompt"))
                progress(piece.fraction)


def _pass_on(output: Output, pieces: Iterable[Piece], reply: Reply) -> None:
    """As LM Studio: reasoning between tags, and a line's end at the end."""
    for piece in pieces:
        if isinstance(piece, Thought) and not reply.thought:
            output.piece("<think>\n")
        if isinstance(piece, Said) and reply.thought and not reply.said:
            output.piece("\n</think>\n")
        reply.take(piece)
        if isinstance(piece, Thought | Said):
            output.piece(piece.text)
    if reply.thought and not reply.said:
        output.piece("\n</think>")
    if not reply.text.endswith("\n"):
        output.piece("\n")


def _set(output: Output, pieces: Iterable[Piece], reply: Reply) -> None:
    """Reasoning is dim and as it was written, what follows is set."""
    with ExitStack() as stack:
        grow: Callable[[str], None] | None = None
        for piece in pieces:
            reply.take(piece)
            if isinstance(piece, Thought) and grow is None:
                output.piece(piece.text, "dim")
            elif isinstance(piece, Said):
                if grow is None:
                    output.piece("\n\n" if reply.thought else "")
                    grow = stack.enter_context(output.markdown())
                grow(reply.text)
    if reply.thought and grow is None:
        output.piece("\n")
