"""What should be loaded, on disk: a daemon that comes back after a crash loads it again.

Models that a request loaded just in time are not written down: the next request loads them.
"""

from pathlib import Path

import msgspec

from lms.config.load import LoadConfig
from lms.paths import write_atomically


class Desired(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model that somebody loaded by hand, as it was asked for."""

    key: str
    identifier: str
    ttl_s: float | None = None
    config: LoadConfig = LoadConfig()
    pinned: bool = False


def read(path: Path) -> tuple[Desired, ...]:
    """What was written down. A file that is missing or not ours holds nothing: it must not keep the daemon from
    starting.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Desired, ...])
    except (OSError, msgspec.DecodeError):
        return ()


def write(path: Path, models: tuple[Desired, ...]) -> None:
    """Replace what was written down; nothing wanted leaves no file."""
    if models:
        write_atomically(path, msgspec.json.encode(models))
    else:
        path.unlink(missing_ok=True)
