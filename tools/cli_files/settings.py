"""Which words `lms config` takes, read from the types that its files are checked against."""

from collections.abc import Iterable

import msgspec
from msgspec import inspect

from lms.cli.config import SERVER
from lms.config.defaults import Kept, SamplingDefaults
from lms.config.load import LoadConfig
from lms.config.presets import Preset
from lms.config.settings import Settings

Words = tuple[str, ...]
# Candidates by the word before; those of no word stand behind any other.
After = tuple[tuple[Words, Words], ...]

OF_MODELS = (LoadConfig, Kept, SamplingDefaults)
ON_OFF = ("on", "off")
MOST = ("max",)


def names_after_scope() -> After:
    """The settings of the server, or of a model."""
    return ((SERVER,), _names([Settings])), ((), _names(OF_MODELS))


def names_of_presets() -> After:
    """The settings of a preset, whichever that is."""
    return (((), _names([Preset])),)


def values(kinds: Iterable[type[msgspec.Struct]]) -> After:
    """Behind the name of a setting, what it can be where that can be spelled out."""
    by_values: dict[Words, list[str]] = {}
    for kind in kinds:
        for field in _fields(kind):
            found = MOST if field.name == "context_length" else tuple(dict.fromkeys(_values(field.type)))
            if found:
                by_values.setdefault(found, []).append(field.name)
    return tuple((tuple(names), found) for found, names in by_values.items())


def _names(kinds: Iterable[type[msgspec.Struct]]) -> Words:
    return tuple(sorted(field.name for kind in kinds for field in _fields(kind)))


def _fields(kind: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return described.fields


def _values(described: inspect.Type) -> Iterable[str]:
    match described:
        case inspect.BoolType():
            yield from ON_OFF
        case inspect.LiteralType(values):
            yield from map(str, values)
        case inspect.UnionType(types):
            for each in types:
                yield from _values(each)
