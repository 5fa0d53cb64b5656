"""From what was typed behind `lms load` to one model on disk.

An exact key always wins. Otherwise the daemon takes the only key that begins with it, else the only one that has it
inside, and which one is said; of several a person is asked, and a script gets the candidates and exit code 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lms.cli import units
from lms.cli.picker import pick
from lms.cli.session import Daemon, Session
from lms.errors import AmbiguousModel, ModelNotFound, UsageError

if TYPE_CHECKING:
    from lms.client.control import ModelRow

WHICH = "Say which one: lms load <model-key>."


def choose(session: Session, daemon: Daemon, typed: str | None, *, exact: bool, yes: bool) -> ModelRow:
    """The model to load. Raises ModelNotFound, AmbiguousModel, and UsageError for `exact` without a name."""
    if exact:
        return _exactly(daemon, typed)
    if typed is None:
        return _any(session, daemon.models(), yes=yes)
    try:
        row = daemon.resolve(typed, fuzzy=True)
    except AmbiguousModel as error:
        return daemon.resolve(_one_of(session, error, yes=yes))
    if typed.strip().lower() not in _whole_names(row):
        session.output.say(f"“{typed}” is taken to mean {row.key}.")
    return row


def _exactly(daemon: Daemon, typed: str | None) -> ModelRow:
    """By key, in any letter case, or by path as LM Studio does."""
    if typed is None:
        raise UsageError("--exact needs a model.", hint="Give its key, or its path as lms ls --json shows it.")
    try:
        return daemon.resolve(typed)
    except ModelNotFound as error:
        shortest = min((row.path for row in daemon.models()), key=len, default="publisher/repo/file.gguf")
        raise ModelNotFound(
            f"No model has exactly the key or path “{typed}”.", hint=f"A path looks like {shortest}."
        ) from error


def _whole_names(row: ModelRow) -> set[str]:
    """What to type to mean this model and no other, in small letters."""
    names = (row.key, row.selected_variant or row.key, f"{row.publisher}/{row.key}", row.path)
    return {name.lower() for name in names}


def _any(session: Session, rows: list[ModelRow], *, yes: bool) -> ModelRow:
    sound = [row for row in rows if not row.damaged]
    if not sound:
        raise ModelNotFound("There are no models on disk that could be loaded.", hint="lms ls shows what is there.")
    if len(sound) == 1:
        return sound[0]
    question = "Load which model?"
    if yes or not session.can_ask:
        raise AmbiguousModel(question, hint=WHICH, candidates=tuple(row.key for row in sound))
    labels = [f"{row.key} ({units.memory(row.size_bytes)})" for row in sound]
    return sound[labels.index(pick(session, question, labels, WHICH))]


def _one_of(session: Session, error: AmbiguousModel, *, yes: bool) -> str:
    candidates = error.candidates
    if yes and candidates:
        session.output.warn(f"{units.count(len(candidates), 'model')} could be meant. Taking {candidates[0]}.")
        return candidates[0]
    if not session.can_ask or not candidates:
        raise AmbiguousModel(error.message, hint=error.hint or WHICH, candidates=candidates) from error
    return pick(session, error.message, candidates, WHICH)
