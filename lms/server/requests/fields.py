"""Decoding a JSON body into a typed struct, and errors that carry the path of the field that is wrong."""

import gc
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from lms.errors import InvalidRequest, MissingParameter, UnknownParameter, Unsupported

T = TypeVar("T")

PositiveInt = Annotated[int, Meta(ge=1, le=2**31 - 1)]
# llama.cpp's token ids are 32-bit; whether the model has the id is for the engine to say.
TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]
TokenIds = Annotated[list[TokenId], Meta(min_length=1)]
NonEmpty = Annotated[str, Meta(min_length=1)]

# Free-form values (tool schemas, template variables) travel on as MessagePack and into recursive renderers. Looking at
# so many takes 20 ms, during which nobody else is served; real schemas hold hundreds.
NODES_LIMIT = 100_000
_DEPTH_LIMIT = 64
_INTEGERS = range(-(2**63), 2**64)

# What takes a call of Python each, a third of a second for all of them. Floats up to 2⁵³ say exactly which integer.
_MOST_FRACTIONS = 1_000_000
_MOST_EXACT = 2**53
_WANTED_INTEGER = re.compile(r"Expected `[^`]*\bint\b[^`]*`, got `float`")

_PATH = re.compile(r" - at (?:`key` in )?`\$\.?(?P<path>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>[^`]*)`$")


class Body(msgspec.Struct, frozen=True):
    """What every inference body has."""

    model: NonEmpty
    ttl: PositiveInt | None = None


def decode(raw: bytes, kind: type[T]) -> T:
    """`raw` as a `kind`; an integer may be written 3.0. Raises InvalidRequest: not JSON, not an object, or a field
    with a wrong or no value.
    """
    try:
        with _no_collections():
            return _decoded(raw, kind)
    except msgspec.ValidationError as error:
        raise _invalid_field(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The request body is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise InvalidRequest("The request body is nested too deeply.") from error


def converted(value: object, kind: type[T], path: str = "", strict: bool = True) -> T:
    """`value`, which a decoded body has at `path`, as a `kind`; with `strict` False, texts may stand for numbers.

    Raises InvalidRequest naming a field that is wrong.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise _invalid_field(str(error), path) from error


def _decoded(raw: bytes, kind: type[T]) -> T:
    """Looks a second time where a number stood in an integer's place, since JSON tells 3.0 from 3 as little as
    JavaScript does. (msgspec's lax mode would take texts and booleans for numbers as well.)
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        if not _WANTED_INTEGER.match(str(error)) or raw.count(b".") > _MOST_FRACTIONS:
            raise
    return msgspec.convert(_WITH_WHOLE_NUMBERS.decode(raw), kind)


def _number(written: str) -> int | float:
    """A JSON number with a fraction or an exponent. Raises InvalidRequest for one that no float can be."""
    value = float(written)
    if math.isinf(value):
        raise InvalidRequest(f"The number {written} in the request body is out of range.")
    return int(value) if value.is_integer() and abs(value) < _MOST_EXACT else value


_WITH_WHOLE_NUMBERS = msgspec.json.Decoder(float_hook=_number)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Millions of new lists would set off collection after collection: 16 MiB of them in 2.1 s instead of 0.4."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _invalid_field(complaint: str, root: str = "") -> InvalidRequest:
    """msgspec's complaint, its `$.a[0].b` taken out as the path `a[0].b` below `root`."""
    found = _PATH.search(complaint)
    path = ".".join(filter(None, (root, found["path"].removesuffix("[...]") if found else "")))
    what = complaint[: found.start()] if found else complaint
    if missing := _MISSING.match(what):
        path = f"{path}.{missing['field']}" if path else missing["field"]
        return MissingParameter(f"“{path}” is required.", param=path)
    if unknown := _UNKNOWN.match(what):
        path = f"{path}.{unknown['field']}" if path else unknown["field"]
        return UnknownParameter(f"Unrecognized key(s) in object: '{path}'", param=path)
    if not path:
        return InvalidRequest(f"The request body must be a JSON object: {_plain(what)}.")
    return InvalidRequest(f"“{path}” is wrong: {_plain(what)}.", param=path)


def _plain(complaint: str) -> str:
    return (complaint[:1].lower() + complaint[1:]).replace("`", "")


def only(value: object, allowed: tuple[object, ...], param: str, elsewhere: str | None = None) -> None:
    """Refuse a documented parameter whose value cannot be honoured, or only at another endpoint. Raises Unsupported
    naming `param`.
    """
    if value in allowed:
        return
    if elsewhere:
        raise Unsupported(f"“{param}” means nothing here.", hint=f"POST {elsewhere} takes it.", param=param)
    raise Unsupported(f"“{param}” is not supported by this version with that value.", param=param)


def portable(value: Any, param: str, limit: int = NODES_LIMIT) -> int:
    """How many values `value` is made of, keys not counted, once it is sure that it can travel to an engine.

    Raises InvalidRequest: more than `limit` of them, nested too deep, or a number too large.
    """
    level, count = iter([value]), 1
    for _ in range(_DEPTH_LIMIT + 1):
        if count > limit:
            raise InvalidRequest(f"“{param}” is too large: a request may hold {NODES_LIMIT} such values.", param=param)
        nodes = list(level)
        if any(isinstance(node, int) and node not in _INTEGERS for node in nodes):
            raise InvalidRequest(f"“{param}” holds an integer of more than 64 bits.", param=param)
        holders = [node for node in nodes if isinstance(node, dict | list)]
        if not holders:
            return count
        count += sum(map(len, holders))
        level = chain.from_iterable(node.values() if isinstance(node, dict) else node for node in holders)
    raise InvalidRequest(f"“{param}” is nested more than {_DEPTH_LIMIT} levels deep.", param=param)
