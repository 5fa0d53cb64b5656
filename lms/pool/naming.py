"""Which name means which loaded model. Pure."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

from lms.client.control import ModelRow
from lms.pool.instance import Instance


def numbered(key: str, taken: Iterable[str]) -> str:
    """`key`, or the first of `key:2`, `key:3`, … that is not taken."""
    used = set(taken)
    if key not in used:
        return key
    return next(name for number in count(2) if (name := f"{key}:{number}") not in used)


def find(name: str, file: Path | None, instances: Iterable[Instance]) -> Instance | None:
    """The instance with exactly that identifier, else the least loaded one of that model, else None.

    A model goes by its key in any letter case, `key@quantization` and `publisher/key`; `file` is what the catalog
    understands by `name`, when it was asked.
    """
    alive = [instance for instance in instances if instance.alive]
    for instance in alive:
        if instance.identifier == name:
            return instance
    folded = name.casefold()
    of_model = [i for i in alive if i.plan.known.file == file or folded in names(i.plan.known.row)]
    return min(of_model, key=lambda instance: instance.load, default=None)


def names(row: ModelRow) -> set[str]:
    """Everything a request may call the model, case-folded."""
    said = {row.key, row.selected_variant or row.key, f"{row.publisher}/{row.key}"}
    if row.quantization and "@" not in row.key:
        said |= {f"{name}@{row.quantization}" for name in (row.key, f"{row.publisher}/{row.key}")}
    return {name.casefold() for name in said}
