"""Tool calls as Granite 3 writes them: `<|tool_call|>[{"name": …, "arguments": {…}}, …]`, without an end.

Granite 3.1 and 3.2 write `<tool_call>` as well, Granite 4 what Hermes does.
Format: https://www.ibm.com/granite/docs/models/granite.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, OTHER_START = "<|tool_call|>", "<tool_call>"

LAYOUT = Layout(START, '{"name": "{name}", "arguments": ', "}", between=", ", opening="[", closing="]")


def read(incoming: Incoming) -> Reading[None]:
    """All calls of an answer."""
    yield from incoming.take(START, OTHER_START)
    yield from JsonCalls().several(incoming)


GRANITE = Family(
    "granite", ("<|start_of_role|>", START), (START, OTHER_START), read, LAYOUT.grammar, write=LAYOUT.write
)
