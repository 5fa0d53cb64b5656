"""Compares models on disk with their own headers, which say how long they are, and with the hashes that they came with.

What nobody wrote a hash down for is only compared with its header.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lms.catalog import gguf_facts, mlx_facts
from lms.catalog.hashes import in_name, sha256
from lms.catalog.model import Format, Model

Verdict = Literal["sound", "unrecorded", "changed", "damaged"]
_WORST_FIRST: tuple[Verdict, ...] = ("damaged", "changed", "unrecorded", "sound")


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """`sha256` is what it has, None when it was not read; `recorded` what it should have, None when nobody knows."""

    path: Path
    recorded: str | None
    sha256: str | None
    unreadable: str | None = None

    @property
    def verdict(self) -> Verdict:
        if self.unreadable:
            return "damaged"
        if self.recorded is None:
            return "unrecorded"
        return "sound" if self.sha256 == self.recorded else "changed"


@dataclass(frozen=True, slots=True)
class Checked:
    """A model and its files. `damage` is what its headers say against it."""

    model: Model
    damage: str | None
    files: tuple[CheckedFile, ...]

    @property
    def verdict(self) -> Verdict:
        verdicts = {file.verdict for file in self.files} | ({"damaged"} if self.damage else set())
        return next(verdict for verdict in _WORST_FIRST if verdict in verdicts)

    @property
    def reason(self) -> str | None:
        """Why it is not sound."""
        if self.damage:
            return self.damage
        worst = next(file for file in self.files if file.verdict == self.verdict)
        reasons: Mapping[Verdict, str | None] = {
            "damaged": f"{worst.path.name} cannot be read: {worst.unreadable}.",
            "changed": f"{worst.path.name} is not what it was when it came: its SHA-256 is another one.",
            "unrecorded": "Its header is sound. Nobody wrote down what hash it should have.",
        }
        return reasons.get(self.verdict)

    def recorded(self) -> "Checked":
        """How it stands once what its files have is written down for those that had nothing."""
        return replace(self, files=tuple(replace(file, recorded=file.recorded or file.sha256) for file in self.files))


def check(
    model: Model, recorded: Mapping[str, str], *, read_all: bool = False, read: Callable[[int], object]
) -> Checked:
    """How `model` stands. `recorded` are SHA-256 by absolute path. Files without one are read with `read_all` only.

    `read` is told how many bytes more have been read.
    """
    return Checked(model, _damage(model), tuple(_files(model, recorded, read_all, read)))


def bytes_to_read(model: Model, recorded: Mapping[str, str], *, read_all: bool = False) -> int:
    """What `check` will read, in bytes."""
    read = (file for file in model.files if read_all or _recorded(file, recorded))
    return sum(file.stat().st_size for file in read if file.exists())


def _files(
    model: Model, recorded: Mapping[str, str], read_all: bool, read: Callable[[int], object]
) -> Iterator[CheckedFile]:
    for file in model.files:
        expected = _recorded(file, recorded)
        try:
            digest = sha256(file, read) if expected or read_all else None
            yield CheckedFile(file, expected, digest)
        except OSError as error:
            yield CheckedFile(file, expected, None, error.strerror or str(error))


def _recorded(file: Path, recorded: Mapping[str, str]) -> str | None:
    return recorded.get(str(file)) or in_name(file)


def _damage(model: Model) -> str | None:
    """What the headers say now: the catalog remembers them by size and time, which damage need not change."""
    try:
        if model.format is Format.MLX:
            return mlx_facts.read(model.path).damaged or model.damaged
        return next(filter(None, (gguf_facts.read(file).damaged for file in model.files)), model.damaged)
    except OSError as error:
        return f"It cannot be read: {error.strerror or error}."
