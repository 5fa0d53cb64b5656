"""What `--identifier` may be: a name that fits on a line, and that does not mean another model already."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from lms.errors import AmbiguousModel, ModelNotFound, UsageError

if TYPE_CHECKING:
    from lms.cli.session import Daemon
    from lms.client.control import ModelRow

MOST_CHARACTERS = 1024

# Control characters, and what ends a line.
_UNPRINTABLE = {"Cc", "Zl", "Zp"}


def identifier(typed: str) -> str:
    """`typed` as it is. Raises UsageError, which does not repeat what would break its line."""
    if not typed.strip():
        raise UsageError("--identifier takes a name, not an empty one.")
    if len(typed) > MOST_CHARACTERS:
        raise UsageError(f"--identifier takes at most {MOST_CHARACTERS} characters, not {len(typed)}.")
    if any(unicodedata.category(character) in _UNPRINTABLE for character in typed):
        raise UsageError("--identifier takes a name on one line, without control characters.")
    return typed


def require_own(daemon: Daemon, name: str | None, row: ModelRow) -> None:
    """Raises UsageError when `name` means another model than `row`: requests for that one would get this one's answers.

    A quantization may take the name of its model.
    """
    if name is None:
        return
    try:
        meant = daemon.resolve(name).key
    except (ModelNotFound, AmbiguousModel):
        return
    if _bare(meant) != _bare(row.key):
        raise UsageError(f"--identifier cannot be “{name}”: requests for {meant} would go to {row.key}.")


def _bare(key: str) -> str:
    return key.partition("@")[0]
