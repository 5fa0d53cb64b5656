"""What the last scan read, kept in one JSON file so that the next one opens only files that changed.

Safe to delete: headers are read again, and names that two publishers share are dealt out anew (`keys.py`). An entry
counts as long as size and time of all its files are the same.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from lms.catalog.facts import Facts
from lms.catalog.layout import Found
from lms.paths import write_atomically

# Raise it whenever `Facts` or what is read into it changes: older headers are then read again.
HEADERS_VERSION = 4


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """The facts of one file or folder, and the sizes and times that they were read at."""

    signature: str
    facts: Facts


class Names(msgspec.Struct, frozen=True):
    """Which key each model's path has had, and which path each key with several variants stands for."""

    keys: dict[str, str] = {}
    selected: dict[str, str] = {}

    def below(self, folders: Collection[Path]) -> "Names":
        """Those of paths in one of `folders`."""
        starts = tuple(f"{folder}/" for folder in folders)
        keys = {path: key for path, key in self.keys.items() if path.startswith(starts)}
        return Names(keys, {key: path for key, path in self.selected.items() if path.startswith(starts)})


NO_NAMES = Names()


class _File(msgspec.Struct):
    version: int
    names: Names
    headers: msgspec.Raw


_FILE = msgspec.json.Decoder(_File)
_HEADERS = msgspec.json.Decoder(dict[str, Entry])


class Cache:
    """Headers by path, and names. One scan uses it at a time: `facts` for every model, then `close_scan`."""

    def __init__(self, path: Path | None) -> None:
        """With no path nothing outlives the object."""
        self._path = path
        self._headers: dict[str, Entry] = {}
        self._seen: dict[str, Entry] = {}
        self._written: tuple[dict[str, Entry], Names] | None = None
        self.names = Names()
        self._stamp = self._stamp_now()
        self._load()

    @property
    def is_outdated(self) -> bool:
        """Whether another process has written the file: what it has seen or done is news here."""
        return self._stamp_now() != self._stamp

    def facts(self, path: str, files: tuple[Found, ...], read: Callable[[Path], Facts]) -> Facts:
        """The facts of the model at `path` made of `files`, out of the cache or by `read`.

        A path that the system does not let us read gives damaged facts, which are not kept.
        """
        signature = "|".join(f"{file.name}:{file.size_bytes}:{file.modified_ns}" for file in files)
        entry = self._headers.get(path)
        if entry is None or entry.signature != signature:
            try:
                entry = Entry(signature, read(Path(path)))
            except OSError as reason:
                return Facts(damaged=f"It cannot be read: {reason.strerror or reason}.")
        self._seen[path] = entry
        return entry.facts

    def close_scan(self, names: Names) -> None:
        """Forget what this scan did not meet, and write the file if anything changed.

        A file that cannot be written costs the next process time, and is no reason to fail.
        """
        self._headers, self._seen, self.names = self._seen, {}, names
        if self._path is None or self._written == (self._headers, self.names):
            return
        content = {"version": HEADERS_VERSION, "names": self.names, "headers": self._headers}
        with suppress(OSError, UnicodeEncodeError):
            write_atomically(self._path, msgspec.json.encode(content))
            self._written = (self._headers, self.names)
            self._stamp = self._stamp_now()

    def _stamp_now(self) -> tuple[int, int] | None:
        """Differs from one version of the file to the next: each is a new file under the old name."""
        try:
            there = self._path.stat() if self._path else None
        except OSError:
            return None
        return (there.st_ino, there.st_mtime_ns) if there else None

    def _load(self) -> None:
        """A file that is missing, broken or from another version counts as empty, but for the names it still tells."""
        if self._path is None:
            return
        try:
            file = _FILE.decode(self._path.read_bytes())
            self.names = file.names
            if file.version == HEADERS_VERSION:
                self._headers = _HEADERS.decode(file.headers)
                self._written = (self._headers, self.names)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
