"""Tool calls as Hermes, Qwen 2.5 and Qwen 3 write them: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`.

Format: https://github.com/NousResearch/Hermes-Function-Calling.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, END = "<tool_call>", "</tool_call>"

LAYOUT = Layout(START, '\n{"name": "{name}", "arguments": ', "}\n" + END, between="\n" + START)


def read(incoming: Incoming) -> Reading[None]:
    """One call, between its markers."""
    yield from incoming.take(START)
    yield from incoming.space()
    yield from JsonCalls().one(incoming)
    yield from incoming.space()
    yield from incoming.take(END)


HERMES = Family("hermes", (START, '"name'), (START,), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)
