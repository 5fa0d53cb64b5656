"""From an output constraint to a grammar that llguidance understands. Nothing here has compiled it yet.

A grammar is a JSON text of named parts, of which the first is where it begins
(https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md). The constraint is the part “answer”; around it
may stand a frame (`frames.py`).
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
from llguidance import LLMatcher, grammar_from

from lms.errors import InvalidRequest
from lms.generation.constraint import Constraint, Grammar, JsonSchema, Regex
from lms.text.json_layout import JSON_OPTIONS

LARGEST_BYTES = 200_000
DEEPEST_LEVELS = 64

_PLACE = re.compile(r"^at \d+\(\d+\): failed to compile JSON schema: ")
_LINES = re.compile(r"\n(?:<|\s*\d+ \| )")


def check_size(constraint: Constraint) -> None:
    """Raises InvalidRequest for what is too large or nested too deeply to be shown to any grammar library."""
    if isinstance(constraint, JsonSchema) and not _is_shallow(constraint.schema):
        raise InvalidRequest(
            f"{_named(constraint)} is nested more than {DEEPEST_LEVELS} levels deep.", param=constraint.param
        )
    if len(msgspec.json.encode(constraint)) > LARGEST_BYTES:
        raise InvalidRequest(
            f"{_named(constraint)} is larger than the {LARGEST_BYTES} bytes that are taken.", param=constraint.param
        )


def grammar_of(constraint: Constraint, frame: str = "") -> str:
    """The grammar of `constraint` inside `frame`. Raises InvalidRequest for text that is no grammar at all."""
    answer = json.loads(_answer(constraint))["grammars"][0] | {"name": "answer"}
    return json.dumps({"grammars": [{"lark_grammar": frame}, answer] if frame else [answer]})


def refusal(constraint: Constraint, complaint: str) -> InvalidRequest:
    """What llguidance said of it, without the lines of the grammar and the dump of its state that it appends."""
    reason = " ".join(_PLACE.sub("", _LINES.split(complaint)[0]).split()).rstrip(".")
    return InvalidRequest(f"{_named(constraint)} cannot be enforced: {reason}.", param=constraint.param)


def _answer(constraint: Constraint) -> str:
    match constraint:
        case JsonSchema(schema):
            return str(LLMatcher.grammar_from_json_schema(schema, overrides=JSON_OPTIONS))
        case Regex(pattern):
            return str(LLMatcher.grammar_from_regex(pattern))
        case Grammar(text):
            try:
                lark = grammar_from("gbnf", text)  # which leaves Lark as it is
            except (ValueError, RecursionError) as error:
                raise refusal(constraint, str(error)) from error
            return json.dumps({"grammars": [{"lark_grammar": lark}]})


def _is_shallow(schema: dict[str, Any]) -> bool:
    level: list[Any] = [schema]
    for _ in range(DEEPEST_LEVELS):
        level = list(chain.from_iterable(map(_children, level)))
    return not level


def _children(value: object) -> Iterator[Any]:
    match value:
        case dict():
            yield from value.values()
        case list():
            yield from value


def _named(constraint: Constraint) -> str:
    kind = {JsonSchema: "The schema", Regex: "The regular expression"}.get(type(constraint), "The grammar")
    if constraint.param == "tools":
        kind = "What a function takes"
    return f"{kind} in “{constraint.param}”" if constraint.param else kind
