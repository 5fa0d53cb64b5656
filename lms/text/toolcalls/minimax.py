"""Tool calls as MiniMax M2 writes them:

    <minimax:tool_call>
    <invoke name="NAME">
    <parameter name="KEY">VALUE</parameter>
    </invoke>
    </minimax:tool_call>

Format: https://huggingface.co/MiniMaxAI/MiniMax-M2/blob/main/docs/tool_calling_guide.md.
"""

from lms.text.toolcalls.family import Ended, Family, NotACall, Reading, Started
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.layout import Layout, Parameters
from lms.text.toolcalls.parameters import Members

START, END = "<minimax:tool_call>", "</minimax:tool_call>"
INVOKE, END_OF_INVOKE = '<invoke name="', "</invoke>"
PARAMETER, END_OF_PARAMETER = '<parameter name="', "</parameter>"

LAYOUT = Layout(
    START,
    f'\n{INVOKE}{{name}}">\n',
    f"{END_OF_INVOKE}",
    closing=f"\n{END}",
    parameters=Parameters(f'{PARAMETER}{{key}}">', f"{END_OF_PARAMETER}\n"),
)


def read(incoming: Incoming) -> Reading[None]:
    """All calls of a region."""
    yield from incoming.take(START)
    yield from incoming.space()
    if not (yield from incoming.comes(INVOKE)):
        raise NotACall
    while True:
        yield from _call(incoming)
        yield from incoming.space()
        if (yield from incoming.take(INVOKE, END)) == END:
            return


def _call(incoming: Incoming) -> Reading[None]:
    """One call, from its name on."""
    name = yield from incoming.name('">')
    yield Started(name)
    members = Members(incoming.tools[name])
    while True:
        yield from incoming.space()
        if (yield from incoming.take(PARAMETER, END_OF_INVOKE)) == END_OF_INVOKE:
            break
        key = yield from incoming.until('">')
        yield from members.value(incoming, key, END_OF_PARAMETER)
    yield from members.end()
    yield Ended()


MINIMAX = Family("minimax", (START,), (START,), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)
