"""The tables of `lms ls`. Pure: rows in, tables out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lms.cli import units
from lms.cli.architectures import display_name
from lms.cli.output import Cell, Styled, Table

if TYPE_CHECKING:
    from lms.client.control import InstanceRow, ModelRow

Place = tuple[str, bool]


@dataclass(frozen=True)
class Entry:
    """A line of the listing: a model under the name that it is shown by. A heading has a name and nothing else."""

    row: ModelRow
    name: str
    note: str = ""
    heading: bool = False


def plain(row: ModelRow) -> Entry:
    """A model with, when it has variants, their number."""
    return Entry(row, row.key, f" ({units.count(len(row.variants), 'variant')})" if row.variants else "")


def family(row: ModelRow, variants: Sequence[ModelRow]) -> list[Entry]:
    """A model over its variants, the one that its key stands for marked; a model without any is a plain line."""
    if not variants:
        return [plain(row)]
    return [Entry(row, row.key, heading=True), *variant_entries(row, variants)]


def variant_entries(row: ModelRow, variants: Sequence[ModelRow]) -> list[Entry]:
    return [Entry(each, f" {'*' if each.key == row.selected_variant else ' '} {each.key}") for each in variants]


def loaded_counts(instances: Iterable[InstanceRow]) -> Mapping[Place, int]:
    """How often each file is loaded. By its place on disk: a model and its variant are one file under two keys."""
    counts: dict[Place, int] = {}
    for instance in instances:
        counts[_place(instance.model)] = counts.get(_place(instance.model), 0) + 1
    return counts


def tables(entries: Sequence[Entry], loaded: Mapping[Place, int]) -> Iterator[Table]:
    """One table of language models and one of embedding models, each only if it has rows."""
    for title, embedding in (("LLM", False), ("EMBEDDING", True)):
        rows = [entry for entry in entries if (entry.row.kind == "embedding") == embedding]
        if rows:
            headers = (title, "PARAMS", "ARCH", "SIZE", "DEVICE", "")
            yield Table(headers, tuple(_cells(entry, loaded) for entry in rows))


def _cells(entry: Entry, loaded: Mapping[Place, int]) -> tuple[Cell, ...]:
    row = entry.row
    if entry.heading:
        return (entry.name, "", "", "", "", "")
    arch = display_name(row.arch) if row.arch else ""
    size = units.disk(row.size_bytes)
    return (entry.name + entry.note, row.params or "", arch, size, "Local", _condition(row, loaded.get(_place(row), 0)))


def _condition(row: ModelRow, times: int) -> Cell:
    if row.damaged:
        return Styled(f"✗ DAMAGED: {row.damaged}", "red")
    if not times:
        return ""
    return Styled("✓ LOADED" if times == 1 else f"✓ LOADED ({times})", "green")


def _place(row: ModelRow) -> Place:
    return row.path, row.bundled
