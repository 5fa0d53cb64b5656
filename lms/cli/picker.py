"""Asks which of several is meant. Only a person is asked: without a terminal the choices are listed, exit code 2.

`q` leaves as Ctrl-C does, with 130; the end of the input leaves with 1: nobody chose to leave.
"""

from collections.abc import Sequence

import typer

from lms.cli import exits
from lms.cli.session import Session
from lms.errors import AmbiguousModel


def pick(session: Session, question: str, choices: Sequence[str], hint: str) -> str:
    """The chosen one of `choices`. Raises AmbiguousModel with them as candidates when nobody can be asked."""
    if not session.can_ask:
        raise AmbiguousModel(question, hint=hint, candidates=tuple(choices))
    session.output.say(question)
    width = len(str(len(choices)))
    for number, choice in enumerate(choices, start=1):
        session.output.say(f"  {number:>{width}}  {choice}")
    while True:
        session.output.ask(f"Number (1-{len(choices)}): ")
        number = _chosen(session.stdin.readline())
        if 1 <= number <= len(choices):
            return choices[number - 1]
        session.output.say(f"Type a number from 1 to {len(choices)}, or q to leave.")


def _chosen(line: str) -> int:
    """The number that was typed, 0 for anything else. Raises Abort at the end of the input, Exit for `q`."""
    if not line:
        raise typer.Abort
    word = line.strip()
    if word.lower() == "q":
        raise typer.Exit(exits.INTERRUPTED)
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else 0
