"""Renders dialogues with the very template that goes into the GGUF file."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tools.tiny_models.corpus.dialogue import Dialogue, Example, RawText

SOURCE = Path(__file__).with_name("template.jinja").read_text(encoding="utf-8")
END_OF_TURN = "<|im_end|>"
END_OF_TEXT = "<|endoftext|>"


@cache
def compiled() -> Template:
    """The template in a sandbox, with the `tojson` that model templates expect: plain `json.dumps`."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(SOURCE)


def render(messages: tuple[dict[str, Any], ...], tools: tuple[dict[str, Any], ...] = ()) -> str:
    """The prompt for an answer to these messages."""
    return compiled().render(messages=list(messages), tools=list(tools) or None, add_generation_prompt=True)


def prompt_and_answer(example: Example) -> tuple[str, str]:
    """An example as the text before the answer, and the answer with its end mark."""
    match example:
        case Dialogue(messages, answer, tools):
            prompt = render(messages, tools)
            whole = compiled().render(messages=[*messages, answer], tools=list(tools) or None)
            return prompt, whole[len(prompt) :].rstrip("\n")
        case RawText(prompt, continuation):
            return prompt, continuation + END_OF_TEXT
