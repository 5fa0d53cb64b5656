"""The turns of all conversations, each with a pointer to the one before it: branches share what they have in common.

Several processes may keep theirs in one file. A turn is found for so many days, and as long as all of them take no more
than so much disk; what is removed is overwritten once no other turn goes on from it. (Clients that send all of a
conversation each time, and never ask for it, would fill any disk within those days.)
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from lms.errors import HistoryFailed, PreviousResponseNotFound, ResponseNotFound
from lms.generation.messages import Message
from lms.history import file
from lms.history.turn import Form, Turn

MEBIBYTE = 1024 * 1024
DAY_S = 24 * 60 * 60
SWEEP_EVERY_S = 60 * 60

_IS_FOUND = "id = :id AND record IS NOT NULL AND created_s >= :horizon_s AND (:owner IS NULL OR owner = :owner)"
_LINE = f"""
WITH RECURSIVE line (id, parent, distance) AS (
    SELECT id, parent, 0 FROM turn WHERE {_IS_FOUND}
    UNION ALL
    SELECT turn.id, turn.parent, distance + 1 FROM turn JOIN line ON turn.id = line.parent
)
SELECT messages FROM line JOIN turn USING (id) ORDER BY distance DESC
"""
_FIND = f"SELECT id, parent, created_s, messages, record FROM turn WHERE {_IS_FOUND} AND form = :form"
_REMOVE = f"UPDATE turn SET record = NULL WHERE {_IS_FOUND} AND form = :form"
_OLDEST = """
UPDATE turn SET record = NULL
WHERE id = (SELECT id FROM turn WHERE record IS NOT NULL AND id != ? ORDER BY created_s, rowid LIMIT 1)
RETURNING id
"""
_FORGET = """
DELETE FROM turn WHERE id = ? AND record IS NULL AND NOT EXISTS (SELECT 1 FROM turn AS next WHERE next.parent = turn.id)
RETURNING parent
"""


class History:
    """May be shared by threads and greenlets. Opens its file when it is first used.

    days: how long a turn can be found; 0 keeps nothing
    limit_bytes: for all of them together; the oldest go first. The file itself never shrinks
    clock: unix seconds
    owner: whoever asks for a turn finds only those that were added for this owner; None: for anybody
    Every method raises HistoryFailed when the file cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        days: float = 30,
        limit_bytes: int = 4096 * MEBIBYTE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._days = days
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._swept_s = 0.0

    @property
    def keeps(self) -> bool:
        """Whether what is added can be found again."""
        return self._days > 0

    def add(self, turn: Turn, owner: str | None = None) -> None:
        """Keep `turn` for its owner. It can be found as soon as this returns."""
        messages, record = msgspec.msgpack.encode(turn.messages), msgspec.json.encode(turn.record)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO turn (id, parent, form, created_s, messages, record, owner) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (turn.id, turn.parent, turn.form, turn.created_s, messages, record, owner),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO item (id, turn) VALUES (?, ?)", [(item, turn.id) for item in turn.items]
            )
            if self._clock() > self._swept_s + SWEEP_EVERY_S:
                self._sweep(connection)
            self._make_room(connection, turn.id)

    def conversation(self, turn_id: str, owner: str | None = None) -> tuple[Message, ...]:
        """All messages up to the end of that turn. Raises PreviousResponseNotFound."""
        with self._reading() as connection:
            line = connection.execute(_LINE, self._sought(turn_id, owner)).fetchall()
            messages = tuple(message for (packed,) in line for message in _unpacked(packed))
        if not line:
            raise PreviousResponseNotFound(_nowhere(turn_id), hint=self._why(), param="previous_response_id")
        return messages

    def turn(self, turn_id: str, form: Form, owner: str | None = None) -> Turn:
        """That turn, if it is one of `form`, without `items`. Raises ResponseNotFound."""
        with self._reading() as connection:
            row = connection.execute(_FIND, self._sought(turn_id, owner, form)).fetchone()
            if row is None:
                raise ResponseNotFound(_nowhere(turn_id), hint=self._why())
            return _turn(row, form)

    def turn_with(self, item: str, form: Form, owner: str | None = None) -> Turn | None:
        """The turn of `form` whose record has a part with that id, without `items`."""
        with self._reading() as connection:
            found = connection.execute("SELECT turn FROM item WHERE id = ?", (item,)).fetchone()
            row = found and connection.execute(_FIND, self._sought(found[0], owner, form)).fetchone()
            return row and _turn(row, form)

    def remove(self, turn_id: str, form: Form, owner: str | None = None) -> None:
        """From now on it is not found. What goes on from it keeps its past. Raises ResponseNotFound."""
        with self._writing() as connection:
            if not connection.execute(_REMOVE, self._sought(turn_id, owner, form)).rowcount:
                raise ResponseNotFound(_nowhere(turn_id), hint=self._why())
            _forget(connection, turn_id)

    def sweep(self) -> None:
        """Forget what is too old, also if nothing is ever added again. `add` does so once an hour."""
        if self._path.exists():
            with self._writing() as connection:
                self._sweep(connection)

    def close(self) -> None:
        """Let go of the file. The next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _sweep(self, connection: sqlite3.Connection) -> None:
        """Nobody finds it meanwhile."""
        self._swept_s = self._clock()
        old = connection.execute(
            "UPDATE turn SET record = NULL WHERE record IS NOT NULL AND created_s < ? RETURNING id",
            (self._horizon_s(),),
        ).fetchall()
        for (turn_id,) in old:
            _forget(connection, turn_id)

    def _make_room(self, connection: sqlite3.Connection, newest: str) -> None:
        """Forget the oldest until the rest is within the limit. What a younger one goes on from stays longer."""
        while _used_bytes(connection) > self._limit_bytes:
            oldest = connection.execute(_OLDEST, (newest,)).fetchone()
            if oldest is None:
                return
            _forget(connection, *oldest)

    def _sought(self, turn_id: str, owner: str | None, form: Form | None = None) -> dict[str, Any]:
        return {"id": turn_id, "form": form, "owner": owner, "horizon_s": self._horizon_s()}

    def _horizon_s(self) -> float:
        return self._clock() - self._days * DAY_S

    def _why(self) -> str:
        if not self.keeps:
            return "This server keeps no responses (the setting response_days is 0)."
        return f"Responses are kept for {self._days:g} days unless “store” is false."

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one statement."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = file.opened(self._path)
                yield self._connection
            except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
                raise HistoryFailed(
                    f"The stored responses in {self._path} cannot be used: {error}.",
                    hint="Look at the disk; a damaged file may be removed, with all responses in it.",
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one change that is made as a whole or not at all."""
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection


def _forget(connection: sqlite3.Connection, turn_id: str | None) -> None:
    """Overwrite that turn, which was removed, if none goes on from it; and those before it that waited for this."""
    while turn_id is not None:
        row = connection.execute(_FORGET, (turn_id,)).fetchone()
        turn_id = row[0] if row else None


def _turn(row: tuple[str, str | None, int, bytes, bytes], form: Form) -> Turn:
    turn_id, parent, created_s, messages, record = row
    return Turn(turn_id, parent, form, _unpacked(messages), msgspec.json.decode(record), created_s)


def _nowhere(turn_id: str) -> str:
    return f"No stored response has the id “{turn_id}”."


def _used_bytes(connection: sqlite3.Connection) -> int:
    """The part of the file that holds something. A pragma is read off the file's head, whatever its size."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _unpacked(packed: bytes) -> tuple[Message, ...]:
    return msgspec.msgpack.decode(packed, type=tuple[Message, ...])
