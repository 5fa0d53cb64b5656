"""The lines that somebody types into a chat, with editing, recall and completion where there is a keyboard.

What was typed is kept for recall in a file that only its owner may read.
"""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lms.cli.session import Session
from lms.paths import ensure_private

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

PROMPT = "› "


def lines(session: Session, words: Sequence[str]) -> Iterator[str]:
    """Each line that is not empty, until the end of the input or Ctrl-C at an empty prompt; `words` are completed."""
    read = _typed(session, words) if _is_keyboard(session) else iter(session.stdin.readline, "")
    return filter(None, (line.strip() for line in read))


def _is_keyboard(session: Session) -> bool:
    try:
        session.stdin.fileno()
    except io.UnsupportedOperation:
        return False
    return session.stdin.isatty()


def _typed(session: Session, words: Sequence[str]) -> Iterator[str]:
    editor = _editor(session, words)
    while True:
        try:
            yield editor.prompt(PROMPT)
        except KeyboardInterrupt:
            if not editor.default_buffer.text:
                return
        except EOFError:
            return


def _editor(session: Session, words: Sequence[str]) -> "PromptSession[str]":
    import sys

    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.output import create_output

    recall = ensure_private(session.home.chats) / "typed"
    recall.touch(mode=0o600)
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def begin_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    completer = WordCompleter(list(words), sentence=True)
    # On stderr, so that the answers can go to a file; elsewhere if that is where the complaints go.
    terminal = next((stream for stream in (sys.stderr, sys.stdout) if stream and stream.isatty()), sys.stderr)
    output = create_output(stdout=terminal)
    return PromptSession(history=FileHistory(str(recall)), completer=completer, key_bindings=keys, output=output)
