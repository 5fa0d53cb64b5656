"""Tool calls as DeepSeek's models up to V3.1 write them:

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{…}<｜tool▁call▁end｜>…<｜tool▁calls▁end｜>

V3 and R1 write `function` before the separator, and behind it the name, and the arguments between fences.
Format: https://huggingface.co/deepseek-ai/DeepSeek-V3.1#toolcall.
"""

from collections.abc import Callable

from lms.text.toolcalls.family import Family, NotACall, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import named_call
from lms.text.toolcalls.layout import Layout

START, END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
CALL, SEPARATOR, END_OF_CALL = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
OPENING_FENCE, CLOSING_FENCE = "```json", "```"
MARKERS = (END, CALL, SEPARATOR, END_OF_CALL)

PLAIN_LAYOUT = Layout(START, f"{CALL}{{name}}{SEPARATOR}", END_OF_CALL, closing=END)
FENCED_LAYOUT = Layout(
    START,
    f"{CALL}function{SEPARATOR}{{name}}\n{OPENING_FENCE}\n",
    f"\n{CLOSING_FENCE}{END_OF_CALL}",
    between="\n",
    closing=END,
)


def read_plain(incoming: Incoming) -> Reading[None]:
    """All calls of an answer, as V3.1 writes them."""
    yield from _read(incoming, _plain_call)


def read_fenced(incoming: Incoming) -> Reading[None]:
    """All calls of an answer, as V3 and R1 write them."""
    yield from _read(incoming, _fenced_call)


def _read(incoming: Incoming, call: Callable[[Incoming], Reading[None]]) -> Reading[None]:
    yield from incoming.take(START)
    yield from incoming.space()
    if not (yield from incoming.comes(CALL)):
        raise NotACall
    while True:
        yield from call(incoming)
        yield from incoming.space()
        yield from incoming.take(END_OF_CALL)
        yield from incoming.space()
        if (yield from incoming.take(CALL, END)) == END:
            return


def _plain_call(incoming: Incoming) -> Reading[None]:
    name = yield from incoming.name(SEPARATOR)
    yield from named_call(incoming, name)


def _fenced_call(incoming: Incoming) -> Reading[None]:
    yield from incoming.take(f"function{SEPARATOR}")
    name = yield from incoming.name("\n")
    yield from incoming.space()
    yield from incoming.take(OPENING_FENCE)
    yield from named_call(incoming, name)
    yield from incoming.space()
    yield from incoming.take(CLOSING_FENCE)


DEEPSEEK = Family(
    "deepseek", (START,), (START,), read_plain, PLAIN_LAYOUT.grammar, markers=MARKERS, write=PLAIN_LAYOUT.write
)
DEEPSEEK_FENCED = Family(
    "deepseek_fenced",
    (START, OPENING_FENCE),
    (START,),
    read_fenced,
    FENCED_LAYOUT.grammar,
    markers=MARKERS,
    write=FENCED_LAYOUT.write,
)
