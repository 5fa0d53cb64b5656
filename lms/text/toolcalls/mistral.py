"""Tool calls as Mistral's models write them. Until tokenizer version 7, all in one list,

    [TOOL_CALLS] [{"name": …, "arguments": {…}}, …]

and since version 11 each for itself, with an id in version 11 alone:

    [TOOL_CALLS]NAME[CALL_ID]ID[ARGS]{…}

Format: https://github.com/mistralai/mistral-common/tree/main/src/mistral_common/tokens/tokenizers. Neither has an end.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls, named_call
from lms.text.toolcalls.layout import Layout

START, CALL_ID, ARGUMENTS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"

LIST_LAYOUT = Layout(START, '{"name": "{name}", "arguments": ', "}", between=", ", opening="[", closing="]")
NAMED_LAYOUT = Layout(START, "{name}" + ARGUMENTS, "", between=START)


def read_list(incoming: Incoming) -> Reading[None]:
    """All calls of an answer."""
    yield from incoming.take(START)
    yield from JsonCalls().several(incoming)


def read_named(incoming: Incoming) -> Reading[None]:
    """One call."""
    yield from incoming.take(START)
    name = yield from incoming.name("[")
    call_id = None
    if (yield from incoming.take(CALL_ID[1:], ARGUMENTS[1:])) == CALL_ID[1:]:
        call_id = yield from incoming.until(ARGUMENTS)
    yield from named_call(incoming, name, call_id)


MISTRAL = Family("mistral", (START,), (START,), read_list, LIST_LAYOUT.grammar, write=LIST_LAYOUT.write)
MISTRAL_NAMED = Family(
    "mistral_named",
    (START, ARGUMENTS),
    (START,),
    read_named,
    NAMED_LAYOUT.grammar,
    markers=(CALL_ID, ARGUMENTS),
    write=NAMED_LAYOUT.write,
)
