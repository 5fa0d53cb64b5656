"""What an answer has to look like. `param` is the field of the API that asked for it, for complaints about it."""

from typing import Any

import msgspec


class JsonSchema(msgspec.Struct, frozen=True, omit_defaults=True, tag="json_schema"):
    """JSON that is valid against `schema`, of draft 2020-12."""

    schema: dict[str, Any]
    param: str = ""


class Regex(msgspec.Struct, frozen=True, omit_defaults=True, tag="regex"):
    """Text that `pattern` matches as a whole, in the syntax of Rust's regex crate."""

    pattern: str
    param: str = ""


class Grammar(msgspec.Struct, frozen=True, omit_defaults=True, tag="grammar"):
    """Text in the language of a Lark or GBNF grammar, which begins at its rule `start` or `root`."""

    text: str
    param: str = ""


Constraint = JsonSchema | Regex | Grammar
