"""Tool calls as DeepSeek's models from V3.2 on write them; V4 says `tool_calls` where V3.2 says `function_calls`:

    <｜DSML｜function_calls>
    <｜DSML｜invoke name="NAME">
    <｜DSML｜parameter name="KEY" string="true">VALUE</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜function_calls>

What is no string is JSON. Format: https://huggingface.co/deepseek-ai/DeepSeek-V3.2/tree/main/encoding.
"""

from lms.text.toolcalls.family import Ended, Family, NotACall, Reading, Started
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.layout import Layout, Parameters
from lms.text.toolcalls.parameters import Members

DSML = "｜DSML｜"
INVOKE, END_OF_INVOKE = f'<{DSML}invoke name="', f"</{DSML}invoke>"
PARAMETER, END_OF_PARAMETER = f'<{DSML}parameter name="', f"</{DSML}parameter>"
TYPE = '" string="'


def _markers(word: str) -> tuple[str, str]:
    return f"<{DSML}{word}>", f"</{DSML}{word}>"


REGIONS = dict(map(_markers, ("function_calls", "tool_calls")))


def _layout(start: str) -> Layout:
    return Layout(
        start,
        f'\n{INVOKE}{{name}}">\n',
        END_OF_INVOKE,
        closing=f"\n{REGIONS[start]}",
        parameters=Parameters(f'{PARAMETER}{{key}}{TYPE}{{is_string}}">', f"{END_OF_PARAMETER}\n"),
    )


def read(incoming: Incoming) -> Reading[None]:
    """All calls of a region."""
    end = REGIONS[(yield from incoming.take(*REGIONS))]
    yield from incoming.space()
    if not (yield from incoming.comes(INVOKE)):
        raise NotACall
    while True:
        yield from _call(incoming)
        yield from incoming.space()
        if (yield from incoming.take(INVOKE, end)) == end:
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
        key = yield from incoming.until(TYPE)
        is_string = (yield from incoming.take('true">', 'false">')) == 'true">'
        yield from members.value(incoming, key, END_OF_PARAMETER, is_string=is_string)
    yield from members.end()
    yield Ended()


def _family(name: str, word: str) -> Family:
    start, end = _markers(word)
    layout = _layout(start)
    mentioned = (DSML, f"{word}>")
    return Family(name, mentioned, (start,), read, layout.grammar, markers=(end,), write=layout.write)


DSML_FUNCTIONS = _family("dsml_functions", "function_calls")
DSML_TOOLS = _family("dsml_tools", "tool_calls")
