"""Tool calls as GLM 4 writes them, from 4.7 on without the line breaks:

    <tool_call>NAME
    <arg_key>KEY</arg_key>
    <arg_value>VALUE</arg_value>
    </tool_call>

Format: the chat templates of https://huggingface.co/zai-org/GLM-4.6 and GLM-4.7.
"""

from lms.text.toolcalls.family import Ended, Family, Reading, Started
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.layout import Layout, Parameters
from lms.text.toolcalls.parameters import Members

START, END = "<tool_call>", "</tool_call>"
KEY, END_OF_KEY = "<arg_key>", "</arg_key>"
VALUE, END_OF_VALUE = "<arg_value>", "</arg_value>"

LAYOUT = Layout(
    START,
    "{name}\n",
    END,
    between=f"\n{START}",
    parameters=Parameters(f"{KEY}{{key}}{END_OF_KEY}\n{VALUE}", f"{END_OF_VALUE}\n"),
)
DENSE_LAYOUT = Layout(
    START, "{name}", END, between=START, parameters=Parameters(f"{KEY}{{key}}{END_OF_KEY}{VALUE}", END_OF_VALUE)
)


def read(incoming: Incoming) -> Reading[None]:
    """One call, between its markers."""
    yield from incoming.take(START)
    name = yield from incoming.name("<")
    is_key = (yield from incoming.take(KEY[1:], END[1:])) == KEY[1:]
    yield Started(name)
    members = Members(incoming.tools[name])
    while is_key:
        key = yield from incoming.until(END_OF_KEY)
        yield from incoming.space()
        yield from incoming.take(VALUE)
        yield from members.value(incoming, key.strip(), END_OF_VALUE)
        yield from incoming.space()
        is_key = (yield from incoming.take(KEY, END)) == KEY
    yield from members.end()
    yield Ended()


MARKERS = (END, KEY, END_OF_KEY, VALUE, END_OF_VALUE)
GLM = Family("glm", (START, KEY), (START,), read, LAYOUT.grammar, markers=MARKERS, write=LAYOUT.write)
GLM_DENSE = Family(
    "glm_dense",
    (START, f"{END_OF_KEY}{VALUE}"),
    (START,),
    read,
    DENSE_LAYOUT.grammar,
    markers=MARKERS,
    write=DENSE_LAYOUT.write,
)
