"""Folders of models that are somebody else's, LM Studio's or a cache of the hub, and that are used where they lie."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from lms.errors import LmsError, ModelNotFound
from lms.paths import only_writer, write_atomically


class _Stored(msgspec.Struct, frozen=True):
    folders: tuple[str, ...] = ()


class ModelFolders:
    """The folders of one home, in a file of JSON. Every method may be called from any process and thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> tuple[Path, ...]:
        """Absolute paths, in the order of their coming. Raises LmsError when the file is there and cannot be read."""
        try:
            stored = msgspec.json.decode(self._path.read_bytes(), type=_Stored)
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LmsError(
                f"The list of model folders cannot be read: {error}.", hint=f"Mend {self._path}, or remove it."
            ) from error
        return tuple(Path(folder) for folder in stored.folders)

    def there(self) -> tuple[Path, ...]:
        """As `all`, but none when the file cannot be read: a listing has to go on."""
        try:
            return self.all()
        except LmsError:
            return ()

    def add(self, folder: Path) -> None:
        """One that is there already stays where it is."""
        with only_writer(self._path):
            self._write(dict.fromkeys((*self.all(), folder)))

    def remove(self, folder: Path) -> None:
        """Raises ModelNotFound."""
        with only_writer(self._path):
            before = self.all()
            if folder not in before:
                known = ", ".join(map(str, before)) or "none"
                raise ModelNotFound(f"{folder} is no folder that is used in place.", hint=f"There is {known}.")
            self._write(each for each in before if each != folder)

    def _write(self, folders: Iterable[Path]) -> None:
        stored = _Stored(tuple(str(folder) for folder in folders))
        write_atomically(self._path, msgspec.json.format(msgspec.json.encode(stored)) + b"\n")
