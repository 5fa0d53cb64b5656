"""Asks which of several is meant. Only a person is asked: without a terminal the choices are listed, exit code 2.

`q` leaves as Ctrl-C does, with 130; the end of the input leaves with 1: nobody chose to leave.
"""

from collections.abc import Mapping, Sequence

import typer

from lms.cli import exits
from lms.cli.session import Session
from lms.errors import AmbiguousModel


def pick(session: Session, question: str, choices: Sequence[str], hint: str) -> str:
    """The one of `choices` whose number is typed, or a part of it that no other has. Raises AmbiguousModel with them as
    candidates when nobody can be asked.
    """
    if not session.can_ask:
        raise AmbiguousModel(question, hint=hint, candidates=tuple(choices))
    session.output.say(question)
    numbered = dict(enumerate(choices, start=1))
    shown = numbered
    while True:
        for number, choice in shown.items():
            session.output.say(f"  {number:>{len(str(len(choices)))}}  {choice}")
        session.output.ask(f"Number (1-{len(choices)}): ")
        found = _meant(_answer(session.stdin.readline()), numbered)
        if len(found) == 1:
            return next(iter(found.values()))
        shown = found
        if not found:
            session.output.say(f"Type a number from 1 to {len(choices)}, or a part of a name, or q to leave.")


def _answer(line: str) -> str:
    """What was typed, in small letters. Raises Abort at the end of the input, Exit for `q`."""
    if not line:
        raise typer.Abort
    word = line.strip().lower()
    if word == "q":
        raise typer.Exit(exits.INTERRUPTED)
    return word


def _meant(word: str, numbered: Mapping[int, str]) -> dict[int, str]:
    """Those that it could mean: the one with that number, else all that have it inside. Nothing means none."""
    if word.isascii() and word.isdecimal() and len(word) < 10:
        return {number: choice for number, choice in numbered.items() if number == int(word)}
    return {number: choice for number, choice in numbered.items() if word and word in choice.lower()}
