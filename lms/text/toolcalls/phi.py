"""Tool calls as Phi-4-mini writes them: `<|tool_call|>[{"name": …, "arguments": {…}}, …]<|/tool_call|>`.

With another prompt (its templates in other servers, and that of Firefunction) it is a word that calls begin with, and
they have no end: `functools[{"name": …, "arguments": {…}}, …]`.
Format: https://huggingface.co/microsoft/Phi-4-mini-instruct#tool-enabled-function-calling-format.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, END = "<|tool_call|>", "<|/tool_call|>"
WORD = "functools["

LAYOUT = Layout(START, '{"name": "{name}", "arguments": ', "}", between=", ", opening="[", closing=f"]{END}")
WORD_LAYOUT = Layout(WORD, '{"name": "{name}", "arguments": ', "}", between=", ", closing="]")


def read(incoming: Incoming) -> Reading[None]:
    """All calls of an answer, between their markers or after the word."""
    has_end = (yield from incoming.take(START, WORD[:-1])) == START
    yield from JsonCalls().several(incoming)
    if has_end:
        yield from incoming.space()
        yield from incoming.comes(END)


PHI = Family("phi", ("<|tool|>", "<|/tool|>"), (START, WORD), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)
FUNCTOOLS = Family(
    "functools", (WORD,), (WORD, START), read, WORD_LAYOUT.grammar, markers=(END,), write=WORD_LAYOUT.write
)
