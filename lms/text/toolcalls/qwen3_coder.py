"""Tool calls as Qwen3-Coder writes them:

    <tool_call>
    <function=NAME>
    <parameter=KEY>
    VALUE
    </parameter>
    </function>
    </tool_call>

Format: the chat template of https://huggingface.co/Qwen/Qwen3-Coder-30B-A3B-Instruct. The outer markers are often left
out.
"""

from lms.text.toolcalls.family import Ended, Family, Reading, Started
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.layout import Layout, Parameters
from lms.text.toolcalls.parameters import Members

START, END = "<tool_call>", "</tool_call>"
FUNCTION, END_OF_FUNCTION = "<function=", "</function>"
PARAMETER, END_OF_PARAMETER = "<parameter=", "</parameter>"

LAYOUT = Layout(
    START,
    f"\n{FUNCTION}{{name}}>\n",
    f"{END_OF_FUNCTION}\n{END}",
    between=f"\n{START}",
    parameters=Parameters(f"{PARAMETER}{{key}}>\n", f"\n{END_OF_PARAMETER}\n"),
)


def read(incoming: Incoming) -> Reading[None]:
    """One call, from its outer marker or from the function on."""
    has_markers = yield from incoming.comes(START)
    yield from read_function(incoming)
    yield from incoming.space()
    if has_markers:
        yield from incoming.take(END)


def read_function(incoming: Incoming, padding: str = "\n") -> Reading[None]:
    """One call, without outer markers. `padding` may stand before and after a value, and is no part of it."""
    yield from incoming.space()
    yield from incoming.take(FUNCTION)
    name = yield from incoming.name(">")
    yield Started(name)
    members = Members(incoming.tools[name])
    while (yield from _is_parameter(incoming)):
        key = yield from incoming.until(">")
        yield from incoming.comes(padding)
        yield from members.value(incoming, key.strip(), f"{padding}{END_OF_PARAMETER}", END_OF_PARAMETER)
    yield from members.end()
    yield Ended()


def _is_parameter(incoming: Incoming) -> Reading[bool]:
    yield from incoming.space()
    return (yield from incoming.take(PARAMETER, END_OF_FUNCTION)) == PARAMETER


QWEN3_CODER = Family("qwen3_coder", (FUNCTION, PARAMETER), (START, FUNCTION), read, LAYOUT.grammar, write=LAYOUT.write)
