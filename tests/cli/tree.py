"""Every command that there is, read from the program."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from lms.cli.app import app


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", {})
    if not below:
        yield " ".join(words), command
    for name, child in below.items():
        yield from _walk(child, (*words, name))


_ALL = dict(_walk(get_command(app), ()))

# The words of each, groups left out, hidden ones too; and those that the help shows.
COMMANDS = tuple(_ALL)
SHOWN = tuple(path for path, command in _ALL.items() if not command.hidden and not path.startswith("complete "))
