"""Tool calls as Seed-OSS writes them: as Qwen3-Coder's, between markers of its own and with values on one line.

    <seed:tool_call>
    <function=NAME>
    <parameter=KEY>VALUE</parameter>
    </function>
    </seed:tool_call>

Format: the chat template of https://huggingface.co/ByteDance-Seed/Seed-OSS-36B-Instruct.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.layout import Layout, Parameters
from lms.text.toolcalls.qwen3_coder import END_OF_FUNCTION, END_OF_PARAMETER, FUNCTION, PARAMETER, read_function

START, END = "<seed:tool_call>", "</seed:tool_call>"

LAYOUT = Layout(
    START,
    f"\n{FUNCTION}{{name}}>\n",
    f"{END_OF_FUNCTION}\n{END}",
    between=f"\n{START}",
    parameters=Parameters(f"{PARAMETER}{{key}}>", f"{END_OF_PARAMETER}\n"),
)


def read(incoming: Incoming) -> Reading[None]:
    """One call, between its markers."""
    yield from incoming.take(START)
    yield from read_function(incoming, padding="")
    yield from incoming.space()
    yield from incoming.take(END)


SEED_OSS = Family("seed_oss", (START,), (START,), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)
