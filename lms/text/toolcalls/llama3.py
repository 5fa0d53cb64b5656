"""Tool calls as Llama 3 writes them: an answer that is `{"name": …, "parameters": {…}}` and nothing else.

Format: https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1/#json-based-tool-calling. Several are put one
behind the other, with `; ` or a line break between them, though the models were not trained for more than one. A call
may begin with `<|python_tag|>`, which also begins code for the tools that are built in: that is left as text.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, PYTHON_TAG = "{", "<|python_tag|>"

LAYOUT = Layout(START, '"name": "{name}", "parameters": ', "}", between="; {")

# The models are used to write “type” as well. What has other members is an answer in JSON, and passed on at once.
CALLS = JsonCalls(others=("type",))


def read(incoming: Incoming) -> Reading[None]:
    """Calls, as many as follow each other."""
    if (yield from incoming.comes(PYTHON_TAG)):
        yield from incoming.space()
    yield from CALLS.one(incoming)
    yield from incoming.space()
    while (yield from incoming.comes(";")) or (yield from incoming.peek()) == START:
        yield from incoming.space()
        yield from CALLS.one(incoming)
        yield from incoming.space()


LLAMA3 = Family(
    "llama3",
    ("<|start_header_id|>", '"parameters": '),
    (),
    read,
    LAYOUT.grammar,
    leading=(START, PYTHON_TAG),
    write=LAYOUT.write,
)
