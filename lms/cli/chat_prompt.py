"""The lines that somebody types into a chat, with editing, recall and completion where there is a keyboard.

What was typed is kept for recall in a file that only its owner may read.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from lms.cli.session import Session
from lms.errors import LmsError
from lms.paths import ensure_private

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer, Completion

PROMPT = "› "

# What a line may begin with, and what may stand behind that, as far as it is known: names, asked for when they are
# needed, or a path.
Words = Mapping[str, Callable[[], Iterable[str]] | Literal["path"] | None]


def lines(session: Session, words: Words) -> Iterator[str]:
    """Each line that is not empty, until the end of the input or Ctrl-C at an empty prompt; `words` are completed."""
    read = _typed(session, words) if _is_keyboard(session) else iter(session.stdin.readline, "")
    return filter(None, (line.strip() for line in read))


def _is_keyboard(session: Session) -> bool:
    try:
        session.stdin.fileno()
    except io.UnsupportedOperation:
        return False
    return session.stdin.isatty()


def _typed(session: Session, words: Words) -> Iterator[str]:
    editor = _editor(session, words)
    while True:
        try:
            yield editor.prompt(PROMPT)
        except KeyboardInterrupt:
            if not editor.default_buffer.text:
                return
        except EOFError:
            return


def _editor(session: Session, words: Words) -> "PromptSession[str]":
    import sys

    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.output import create_output

    recall = ensure_private(session.home.chats) / "typed"
    recall.touch(mode=0o600)
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def begin_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    # On stderr, so that the answers can go to a file; elsewhere if that is where the complaints go.
    terminal = next((stream for stream in (sys.stderr, sys.stdout) if stream and stream.isatty()), sys.stderr)
    output = create_output(stdout=terminal)
    return PromptSession(
        history=FileHistory(str(recall)),
        completer=completer(words),
        complete_in_thread=True,
        key_bindings=keys,
        output=output,
    )


def completer(words: Words) -> "Completer":
    """Completes a line with `words`, and what stands behind one with what belongs there."""
    from prompt_toolkit.completion import Completer, PathCompleter
    from prompt_toolkit.document import Document

    class Line(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> "Iterator[Completion]":
            word, space, rest = document.text_before_cursor.partition(" ")
            if not space:
                yield from _beginning(words, word)
                return
            behind = words.get(word)
            if behind == "path":
                yield from PathCompleter(expanduser=True).get_completions(Document(rest), complete_event)
            elif behind:
                with suppress(LmsError, OSError):
                    yield from _beginning(behind(), rest)

    return Line()


def _beginning(names: Iterable[str], begun: str) -> "Iterator[Completion]":
    from prompt_toolkit.completion import Completion

    return (Completion(name, start_position=-len(begun)) for name in names if name.startswith(begun))
