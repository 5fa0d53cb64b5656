"""Brings files into the models folder, all or none: what was done is undone when something goes wrong on the way."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lms.catalog.hashes import CHUNK_BYTES, sha256
from lms.catalog.removal import partial_copy, remove_if_empty
from lms.errors import LmsError, ModelExists, NotEnoughDisk
from lms.sizes import disk

# What the system says when there is no room: on the disk, for this user, in one file.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Mode = Literal["move", "copy", "hardLink", "symbolicLink"]


@dataclass(frozen=True, slots=True)
class Step:
    """One file: where it is, and where it is to be. Both absolute."""

    source: Path
    target: Path


def require_free(steps: Iterable[Step]) -> None:
    """Raise ModelExists when something lies where a file is to go, a link to nowhere too."""
    for step in steps:
        if os.path.lexists(step.target):
            raise ModelExists(f"{step.target} is there already.", hint="Give it another --user-repo, or lms rm it.")


def require_movable(steps: Iterable[Step]) -> None:
    """Raise LmsError when a file could be brought to its place and not taken from where it is."""
    for folder in dict.fromkeys(step.source.parent for step in steps):
        if not os.access(folder, os.W_OK):
            raise LmsError(
                f"Nothing can be moved out of {folder}: this user may not write there.",
                hint="--copy and --symbolic-link leave it where it is.",
            )


def require_room(steps: Sequence[Step], mode: Mode, models_dir: Path) -> None:
    """Raise NotEnoughDisk when the bytes that have to be copied do not fit."""
    existing = next(folder for folder in (models_dir, *models_dir.parents) if folder.exists())
    device = existing.stat().st_dev
    copied = [step for step in steps if mode == "copy" or (mode == "move" and _moves_as_copy(step, device))]
    needed, free = sum(step.source.stat().st_size for step in copied), shutil.disk_usage(existing).free
    if needed > free:
        raise NotEnoughDisk(
            f"The disk of {models_dir} has {disk(free)} free, and {disk(needed)} would be copied there.",
            hint="--symbolic-link takes no room.",
        )


def perform(
    steps: Sequence[Step], mode: Mode, models_dir: Path, *, hashed: bool, read: Callable[[int], object]
) -> Mapping[Path, str]:
    """Bring every file to its place; the SHA-256 of each by that place, unless they are not to be `hashed`.

    `read` is told how many bytes more have been read, as they were hashed or copied. Raises LmsError, with everything
    as it was.
    """
    hashes: dict[Path, str] = {}
    leftovers: list[Path] = []
    with _our_errors(models_dir), ExitStack() as undo:
        for step in steps:
            step.target.parent.mkdir(parents=True, exist_ok=True)
            undo.callback(remove_if_empty, step.target.parent, models_dir)
            digest = _place(step, mode, undo, leftovers, hashed=hashed, read=read)
            if digest is not None:
                hashes[step.target] = digest
        undo.pop_all()
    for source in leftovers:
        source.unlink()
    return hashes


@contextmanager
def _our_errors(models_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise NotEnoughDisk(
                f"The disk of {models_dir} is full.", hint="Nothing was imported. --symbolic-link takes no room."
            ) from error
        reason = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        raise LmsError(f"It cannot be brought to {models_dir}. {reason}.", hint="Nothing was imported.") from error


def _place(
    step: Step, mode: Mode, undo: ExitStack, leftovers: list[Path], *, hashed: bool, read: Callable[[int], object]
) -> str | None:
    """Bring one file to its place. `undo` takes that back. What is to go when all are there is added to `leftovers`."""
    require_free([step])  # once more: another import may have been quicker
    _clear(step)
    if mode == "copy" or (mode == "move" and _moves_as_copy(step, step.target.parent.stat().st_dev)):
        digest = _copy(step, undo, hashed=hashed, read=read)
        if mode == "move":
            leftovers.append(step.source)
        return digest
    digest = sha256(step.source, read) if hashed else None
    require_free([step])  # that took its time
    if mode == "hardLink":
        _hard_link(step)
        undo.callback(step.target.unlink)
    elif mode == "symbolicLink" or step.source.is_symlink():
        # Absolute, and to the file itself: a link that was right there may be wrong here.
        step.target.symlink_to(step.source.resolve())
        undo.callback(step.target.unlink)
        if mode == "move":
            leftovers.append(step.source)
    else:
        _move(step)
        undo.callback(step.target.rename, step.source)
    return digest


def _move(step: Step) -> None:
    """On one disk. Raises ModelExists when something has come to the place meanwhile, which a rename would replace."""
    try:
        os.link(step.source, step.target)
    except FileExistsError:
        require_free([step])
        raise
    except OSError:  # a file system without hard links
        require_free([step])
        step.source.rename(step.target)
    else:
        step.source.unlink()


def _moves_as_copy(step: Step, target_disk: int) -> bool:
    """Whether it cannot just be renamed. A link can always be made anew."""
    status = step.source.lstat()
    return not step.source.is_symlink() and status.st_dev != target_disk


def _hard_link(step: Step) -> None:
    try:
        os.link(step.source.resolve(), step.target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP):
            raise
        raise LmsError(
            f"{step.source} cannot have a hard link in {step.target.parent}: {error.strerror}.",
            hint="--symbolic-link and --copy work across file systems.",
        ) from error


def _clear(step: Step) -> None:
    """Delete the half of a copy that was killed. Raises LmsError when it is still being written."""
    partial = partial_copy(step.target)
    with suppress(FileNotFoundError), partial.open("rb") as left:
        _own(left.fileno(), step)
        partial.unlink()


def _own(file: int, step: Step) -> None:
    """Hold an open file against other imports. Raises LmsError when another has it; some file systems know no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _at_work(step) from error
    except OSError:
        return


def _require_there(file: int, path: Path, step: Step) -> None:
    """Raises LmsError when another import took the open file for a leftover before it was held."""
    try:
        there = os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        there = False
    if not there:
        raise _at_work(step)


def _at_work(step: Step) -> LmsError:
    return LmsError(f"Another lms import is at work on {step.target}.", hint="Wait until it is done.")


def _copy(step: Step, undo: ExitStack, *, hashed: bool, read: Callable[[int], object]) -> str | None:
    """Under another name until it is whole and on the disk."""
    partial = partial_copy(step.target)
    digest = hashlib.sha256()
    with step.source.open("rb", buffering=0) as source, partial.open("xb") as target:
        undo.callback(partial.unlink, missing_ok=True)
        _own(target.fileno(), step)
        _require_there(target.fileno(), partial, step)
        while chunk := source.read(CHUNK_BYTES):
            target.write(chunk)
            if hashed:
                digest.update(chunk)
            read(len(chunk))
        target.flush()
        os.fsync(target.fileno())
        with suppress(OSError):
            shutil.copystat(step.source, partial)
        require_free([step])
        partial.rename(step.target)
        undo.callback(step.target.unlink)
    return digest.hexdigest() if hashed else None
