"""Tool calls as Apriel writes them: `<tool_calls>[{"name": …, "arguments": {…}}, …]</tool_calls>`.

MiniMax M1 writes the same without a list, each call on a line of its own.
Format: the chat templates of https://huggingface.co/ServiceNow-AI/Apriel-1.5-15b-Thinker and MiniMaxAI/MiniMax-M1-80k.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, END = "<tool_calls>", "</tool_calls>"
LIST = f"{START}["
CALL = '{"name": "{name}", "arguments": '

LAYOUT = Layout(START, CALL, "}", between=", ", opening="[", closing=f"]{END}")
LINES_LAYOUT = Layout(START, CALL, "}\n", opening="\n", closing=END)


def read(incoming: Incoming) -> Reading[None]:
    """All calls between the markers."""
    yield from incoming.take(START)
    yield from JsonCalls().several(incoming)
    yield from incoming.space()
    while (yield from incoming.peek()) == "{":
        yield from JsonCalls().one(incoming)
        yield from incoming.space()
    yield from incoming.comes(END)


APRIEL = Family("apriel", (LIST, END), (START,), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)
MINIMAX_M1 = Family(
    "minimax_m1", (START, END), (START,), read, LINES_LAYOUT.grammar, markers=(END,), write=LINES_LAYOUT.write
)
