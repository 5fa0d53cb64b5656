"""Chat templates: from a conversation to the text that a model continues.

Templates are Jinja programs that come with a model, so they run in Jinja's sandbox and see only values. What they may
use is what Hugging Face gives them (https://huggingface.co/docs/transformers/chat_templating_writing). The limit: the
sandbox lets a `range` hold 100,000 numbers (its MAX_RANGE) and recursion go as deep as Python's, but nothing bounds
loops within loops. The process that renders must be one that can be ended.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError, meta, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lms.errors import InvalidRequest, ModelDamaged, Unsupported
from lms.generation.request import ChatPrompt
from lms.text.conversation import message_fields, tool_fields

# For a model that brings no template: https://github.com/openai/openai-python/blob/v0.28.1/chatml.md
CHATML = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\n' }}
{%- endif -%}
"""


class ChatTemplate:
    """A model's chat template, compiled once. `bos` and `eos` are the texts of the tokens that begin and end a text."""

    def __init__(self, source: str, bos: str, eos: str, *, now: Callable[[], datetime] = datetime.now) -> None:
        """Raises ModelDamaged when `source` is no valid template."""
        environment = _environment(now)
        try:
            self._template = environment.from_string(source)
            self._names = meta.find_undeclared_variables(environment.parse(source))
        except (TemplateError, RecursionError) as error:
            raise ModelDamaged(f"The model's chat template is not valid: {_described(error)}.") from error
        self._tokens = {"bos_token": bos, "eos_token": eos}

    @property
    def supports_tools(self) -> bool:
        """Whether the template looks at the tools it is given."""
        return "tools" in self._names

    def render(self, prompt: ChatPrompt) -> str:
        """The text up to where the model's answer begins.

        Raises Unsupported for tools that the template would leave out, and InvalidRequest with the template's own
        words when it refuses the conversation or fails on it.
        """
        if prompt.tools and not self.supports_tools:
            raise Unsupported("This model's chat template takes no tools.", hint="Leave them out.", param="tools")
        try:
            return self._template.render(self._context(prompt))
        except _Refused as refusal:
            raise InvalidRequest(str(refusal), param="messages") from refusal
        except Exception as error:  # a template is a program by someone else: it can raise anything
            failure = f"The model's chat template failed on this conversation: {_described(error)}."
            raise InvalidRequest(failure, param="messages") from error

    def _context(self, prompt: ChatPrompt) -> dict[str, Any]:
        """What the template sees. The request's own variables cannot take the place of the conversation."""
        return {
            **prompt.template_variables,
            **self._tokens,
            "messages": [message_fields(message) for message in prompt.messages],
            "tools": [tool_fields(tool) for tool in prompt.tools] or None,
            "add_generation_prompt": True,
        }


class _Refused(TemplateError):
    """The template called `raise_exception`."""


class _Generation(Extension):
    """`{% generation %}` marks what the model wrote, for training. Here it is only what stands in it."""

    tags = {"generation"}  # noqa: RUF012 (Jinja declares it for instances)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment(now: Callable[[], datetime]) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
    )
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: now().strftime(form)
    environment.filters["tojson"] = _to_json
    return environment


def _raise(message: object) -> NoReturn:
    raise _Refused(str(message))


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Plain JSON: Jinja's own filter escapes HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _described(error: Exception) -> str:
    where = f" in line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
    return f"{str(error).rstrip('.') or type(error).__name__}{where}"
