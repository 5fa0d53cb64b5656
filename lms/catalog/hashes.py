"""The hashes that the files of models had when they came, by their place on disk, to tell later whether they changed.

A file in a cache of huggingface_hub has its own for a name: blobs of large files are called by their SHA-256.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from lms.errors import LmsError
from lms.paths import only_writer, write_atomically

CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")

_HASHES = msgspec.json.Decoder(dict[str, str])


class Hashes:
    """SHA-256 of files, in hex, in a file of JSON. Every method may be called from any process and thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> Mapping[str, str]:
        """By absolute path. Raises LmsError when the file is there and cannot be read."""
        try:
            return _HASHES.decode(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LmsError(
                f"The list of hashes cannot be read: {error}.", hint=f"Mend {self._path}, or remove it."
            ) from error

    def recorded(self, file: Path) -> str | None:
        """What the file at that absolute path should have, None when nobody wrote it down."""
        return self.all().get(str(file)) or in_name(file)

    def record(self, hashes: Mapping[Path, str]) -> None:
        """Write down the hashes of files that have come, by absolute path."""
        if hashes:
            with only_writer(self._path):
                self._write({**self.all(), **{str(file): sha256 for file, sha256 in hashes.items()}})

    def forget(self, files: Iterable[Path]) -> None:
        """The files at these places are gone."""
        gone = {str(file) for file in files}
        with only_writer(self._path):
            before = self.all()
            if gone & before.keys():
                self._write({file: sha256 for file, sha256 in before.items() if file not in gone})

    def _write(self, hashes: Mapping[str, str]) -> None:
        write_atomically(self._path, msgspec.json.encode(hashes))


def sha256(file: Path, read: Callable[[int], object] = lambda size_bytes: None) -> str:
    """The SHA-256 of a file, in hex. `read` is told how many bytes more were read. Raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            read(len(chunk))
    return digest.hexdigest()


def in_name(file: Path) -> str | None:
    """The SHA-256 of a large file in a cache of the hub, None of any other file."""
    blob = file.resolve()
    return blob.name if blob.parent.name == "blobs" and _SHA256.fullmatch(blob.name) else None
