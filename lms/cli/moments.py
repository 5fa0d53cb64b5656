"""Moments as people type them: so long ago, or a date. Pure, but for the clock that it is given."""

import re
from datetime import datetime

from lms.errors import UsageError

_AGO = re.compile(r"(\d{1,9})\s*(s|m|h|d|w)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment(option: str, typed: str, now_s: float) -> float:
    """Unix seconds of `90s`, `10m`, `2h`, `3d`, `1w` ago, or of an ISO date or time, local where it names no zone.

    Raises UsageError.
    """
    word = typed.strip().lower()
    if found := _AGO.fullmatch(word):
        return now_s - int(found[1]) * _UNIT_S[found[2]]
    try:
        return datetime.fromisoformat(word.upper()).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{option} takes how long ago (90s, 10m, 2h, 3d, 1w) or a date (2026-01-31, 2026-01-31T18:00), "
            f"not “{typed}”."
        ) from error
