"""Gives every model on disk its key. Pure, and stable: a key never changes its meaning because a model arrives.

The rule: a path that has had a key keeps it as long as it is on disk (the cache remembers). A new path joins the model
it is a quantization of, or gets a new key: the name of its repo, `publisher/name` when that is taken. Bundled models
come first, then alphabetical order, so that without a memory the outcome depends on nothing but the files.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lms.catalog.model import Kind

EMBEDDING_PREFIX = "text-embedding-"


@dataclass(frozen=True, slots=True, order=True)
class Nameable:
    """What a key is made of. `repo` is the cleaned repo name, `family` the file's name without quantization, and
    `quantization` what stands behind the `@`. Two files of one `home` and family are variants of one model.
    """

    in_models_dir: bool
    publisher: str
    repo: str
    family: str
    quantization: str
    path: str
    home: str
    relative_path: str
    kind: Kind


def assign(
    entries: Iterable[Nameable], known: Mapping[str, str], reserved: Collection[str] = frozenset()
) -> dict[str, str]:
    """The key of every entry, by path. `known` are the keys of the last time, also by path; no new model gets one of
    the `reserved` keys.
    """
    ordered = sorted(entries)
    desk = _Desk(ordered, reserved)
    for entry in ordered:
        if not entry.in_models_dir:
            desk.place(entry)
    bundled_keys = set(desk.keys.values())
    for entry in ordered:
        if entry.in_models_dir and known.get(entry.path, "") not in bundled_keys | {""}:
            desk.keep(entry, known[entry.path])
    for entry in ordered:
        if entry.path not in desk.keys:
            desk.place(entry)
    return desk.keys


class _Desk:
    """One round of handing out keys. Beside each key: which quantizations, file families and names it stands for."""

    def __init__(self, entries: Iterable[Nameable], reserved: Collection[str]) -> None:
        self.keys: dict[str, str] = {}
        self._reserved = reserved
        self._quantizations: dict[str, set[str]] = defaultdict(set)
        self._keys_of: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._families: dict[str, set[str]] = defaultdict(set)
        for entry in entries:
            self._families[entry.home].add(entry.family)

    def keep(self, entry: Nameable, key: str) -> None:
        """Give `entry` the key that it had, unless its quantization now collides with another's."""
        if entry.quantization not in self._quantizations[key]:
            self._put(entry, key)

    def place(self, entry: Nameable) -> None:
        """Join the model that `entry` is a quantization of, else take the first key that is free."""
        relatives = [key for kinship in self._kinships(entry) for key in self._keys_of[kinship]]
        for key in relatives:
            if entry.quantization not in self._quantizations[key]:
                return self._put(entry, key)
        choices = _choices(entry, entry.family if relatives else self._name(entry))
        taken = (self._quantizations, self._reserved if entry.in_models_dir else ())
        return self._put(entry, next(key for key in choices if not any(key in keys for keys in taken)))

    def _put(self, entry: Nameable, key: str) -> None:
        self.keys[entry.path] = key
        self._quantizations[key].add(entry.quantization)
        for kinship in self._kinships(entry):
            self._keys_of[kinship].append(key)

    def _kinships(self, entry: Nameable) -> tuple[tuple[str, str], tuple[str, str]]:
        """What variants of one model share: folder and file family, or publisher and name."""
        return (entry.home, entry.family), (entry.publisher, self._name(entry))

    def _name(self, entry: Nameable) -> str:
        """The repo's name; the file's own in a folder of different models."""
        alone = len(self._families[entry.home]) == 1 or plain(entry.family) == plain(entry.repo)
        return entry.repo if alone else entry.family


def _choices(entry: Nameable, name: str) -> Iterator[str]:
    name = _with_prefix(name, entry.kind)
    yield name
    yield f"{entry.publisher}/{name}"
    path = clean(entry.relative_path)
    yield path
    number = 2
    while True:
        yield f"{path}-{number}"
        number += 1


def _with_prefix(name: str, kind: Kind) -> str:
    return name if kind is not Kind.EMBEDDING or name.startswith(EMBEDDING_PREFIX) else EMBEDDING_PREFIX + name


def clean(name: str) -> str:
    """A name as it stands in keys: lower case, dashes for white space, no `@`."""
    return re.sub(r"[\s@]+", "-", name.lower())


def repo_name(repo: str, quantization: str) -> str:
    """The part of a repo's name that its quantizations share: no `-GGUF`, `-MLX`, `-4bit` at its end, lower case."""
    name = clean(repo)
    endings = ("gguf", "mlx", quantization) if quantization.endswith("bit") else ("gguf", "mlx")
    while True:
        shorter = next((name[: -len(end) - 1] for end in endings if re.search(rf"[-._]{end}$", name)), "")
        if not shorter:
            return name
        name = shorter


def plain(name: str) -> str:
    """A name with its separators made equal, to compare a file's with its repo's."""
    return re.sub(r"[-._\s]+", "-", name)
