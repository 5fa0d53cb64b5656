"""The Jinja that chat templates are compiled by: Hugging Face's additions, in a sandbox, with bounds.

What templates may use: https://huggingface.co/docs/transformers/chat_templating_writing, and what some count on beyond
that: lists and mappings that they can change (Kimi K2 queues ids), `from_json` (DeepSeek V3.2). Whoever renders hands
over values that are the template's own to change.

A template is a program by someone else. It reaches nothing but its values, and it ends: it may run for so long, print
so much, and multiply to so large a value. The limit is memory: texts can be doubled again and again, and filters make
long ones of short ones (`'x' | center(n)`), so the process that renders must be one that can be ended.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sized
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

# Of computing. A thousand messages take 0.02 s as a rule, however long they are, and 1.4 s where each is compared with
# all others, as Gemma 4's template does.
RENDERING_LIMIT_S = 10.0
# Of conversations of a few words, of which a model is shown some twenty when it is loaded (see `habits`).
TRIAL_LIMIT_S = 0.5
OUTPUT_LIMIT_CHARACTERS = 64 << 20
# Of a product or a power: characters or items, or bits for a number.
PRODUCT_LIMIT = 1_000_000

GOING_ROUND: tuple[type[nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block], ...]
GOING_ROUND = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)

# Names that no template can spell.
_IN_TIME = "in time"
_DEADLINE = "deadline "


class Refused(TemplateError):
    """The template called `raise_exception`."""


class Sandbox(SandboxedEnvironment):
    """Compiles and renders templates. `now` is what they take the day from, `seconds` counts their computing."""

    intercepted_binops = frozenset(("*", "**"))

    def __init__(self, now: Callable[[], datetime], seconds: Callable[[], float]) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation])
        self._seconds = seconds
        self.globals["raise_exception"] = _raise
        self.globals["strftime_now"] = lambda form: now().strftime(form)
        self.filters["tojson"] = to_json
        self.filters["from_json"] = json.loads
        self.filters["safe"] = str  # Jinja's marks texts as HTML, and what is added to them gets escaped
        self.filters[_IN_TIME] = self._check_time

    def compiled(self, source: nodes.Template) -> Template:
        """`source` with a look at the clock in everything that can go round. Raises TemplateError."""
        for going_round in list(source.find_all(GOING_ROUND)):
            look = nodes.Filter(nodes.Const(None), _IN_TIME, [], [], None, None)
            going_round.body.insert(0, nodes.ExprStmt(look, lineno=going_round.lineno))
        source.set_environment(self)
        return self.from_string(source)

    def rendered(self, template: Template, values: Mapping[str, Any], limit_s: float = RENDERING_LIMIT_S) -> str:
        """What `template` prints. Raises whatever it raises, SecurityError when it goes beyond its bounds."""
        pieces, size = list[str](), 0
        for piece in template.generate({**values, _DEADLINE: self._seconds() + limit_s}):
            size += len(piece)
            if size > OUTPUT_LIMIT_CHARACTERS:
                raise SecurityError(f"it prints more than {OUTPUT_LIMIT_CHARACTERS} characters")
            pieces.append(piece)
        return "".join(pieces)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if _product_size(operator, left, right) > PRODUCT_LIMIT:
            raise SecurityError(f"“{operator}” makes a value too large")
        return super().call_binop(context, operator, left, right)

    @pass_context
    def _check_time(self, context: Context, _: object) -> None:
        if self._seconds() > context[_DEADLINE]:
            raise SecurityError("it runs for too long")


class _Generation(Extension):
    """`{% generation %}` marks what the model wrote, for training. Here it is only what stands in it."""

    tags = {"generation"}  # noqa: RUF012 (Jinja declares it for instances)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _product_size(operator: str, left: object, right: object) -> float:
    """An upper bound: characters or items where something is repeated, bits where numbers are multiplied."""
    if operator == "**":
        return _bits(left) * abs(right) if isinstance(right, int | float) else 0
    if isinstance(left, Sized) or isinstance(right, Sized):
        return _length_or_count(left) * _length_or_count(right)
    return _bits(left) + _bits(right)


def _length_or_count(value: object) -> float:
    return len(value) if isinstance(value, Sized) else abs(value) if isinstance(value, int) else 0


def _bits(value: object) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _raise(message: object) -> NoReturn:
    raise Refused(str(message))


def to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Plain JSON, of what filters yield too: Jinja's own filter escapes HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys, default=_listed
    )


def _listed(value: object) -> list[Any]:
    if isinstance(value, Iterator):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
