"""The SQLite file: created for its owner's eyes only, opened for several processes at once, versioned.

Journal: https://sqlite.org/wal.html. Readers and the one writer do not wait for each other; a power cut may take the
last turns, never the file.
"""

import os
import sqlite3
from pathlib import Path

from lms.errors import HistoryFailed
from lms.paths import only_writer

VERSION = 2
PATIENCE_S = 5.0

# A turn without a record is gone for whoever asks for it. Its messages stay while another one goes on from it. An item
# is a part of a record. The owner is the API token that asked, by its id; none where nobody was asked for one.
_TABLES = """
CREATE TABLE turn (
    id TEXT PRIMARY KEY,
    parent TEXT REFERENCES turn (id),
    form TEXT NOT NULL,
    created_s INTEGER NOT NULL,
    messages BLOB NOT NULL,
    record BLOB,
    owner TEXT
);
CREATE TABLE item (
    id TEXT PRIMARY KEY,
    turn TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX item_by_turn ON item (turn);
CREATE INDEX turn_by_parent ON turn (parent);
CREATE INDEX turn_by_age ON turn (created_s) WHERE record IS NOT NULL;
"""

# What makes tables of version 1 those of version 2.
_OWNERS = ("ALTER TABLE turn ADD COLUMN owner TEXT",)


def opened(path: Path) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time. Raises HistoryFailed for a file of a later version, and
    sqlite3.Error or OSError when there is no file to be had.
    """
    # SQLite's own patience is not for the change of the journal: of two processes that make it, one fails at once.
    with only_writer(path):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, PATIENCE_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN IMMEDIATE")  # of two processes that find no tables, one makes them
    with connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise HistoryFailed(f"{path} was written by a later version of this program.")
        if version < VERSION:
            for statement in _OWNERS if version == 1 else filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
