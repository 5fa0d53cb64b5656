"""Tool calls as Kimi K2 writes them, in a section that is sometimes left out, as the ends of calls are:

    <|tool_calls_section_begin|>
    <|tool_call_begin|>functions.NAME:INDEX<|tool_call_argument_begin|>{…}<|tool_call_end|>…
    <|tool_calls_section_end|>

Format: https://huggingface.co/moonshotai/Kimi-K2-Instruct/blob/main/docs/tool_call_guidance.md. The model expects to
see `functions.NAME:INDEX` again as the call's id.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import named_call
from lms.text.toolcalls.layout import Layout

START, END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
CALL, ARGUMENTS, END_OF_CALL = "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"
FUNCTIONS = "functions."

LAYOUT = Layout(START, f"{CALL}{FUNCTIONS}{{name}}:{{index}}{ARGUMENTS}", END_OF_CALL, closing=END)


def read(incoming: Incoming) -> Reading[None]:
    """The calls of a section, or one call that is in none."""
    if not (yield from incoming.comes(START)):
        yield from incoming.take(CALL)
        yield from _call(incoming)
        return
    yield from incoming.space()
    yield from incoming.take(CALL)
    while True:
        yield from _call(incoming)
        yield from incoming.space()
        if (yield from incoming.take(CALL, END)) == END:
            return


def _call(incoming: Incoming) -> Reading[None]:
    """One call, from its id on."""
    yield from incoming.space()
    yield from incoming.take(FUNCTIONS)
    name = yield from incoming.name(":")
    index = yield from incoming.until(ARGUMENTS)
    yield from named_call(incoming, name, f"{FUNCTIONS}{name}:{index.strip()}")
    yield from incoming.space()
    yield from incoming.comes(END_OF_CALL)


KIMI = Family(
    "kimi",
    (CALL, ARGUMENTS),
    (START, CALL),
    read,
    LAYOUT.grammar,
    markers=(ARGUMENTS, END_OF_CALL, END),
    write=LAYOUT.write,
)
