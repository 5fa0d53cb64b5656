"""Tool calls as Cohere's models write them. Command R7B and Command A, between markers:

    <|START_ACTION|>[
        {"tool_call_id": "0", "tool_name": …, "parameters": {…}}
    ]<|END_ACTION|>

and Command R and R+, in a text that reads `Action:` and a list between fences. The ids begin at 0 in each answer, so
they are not used.
Format: https://docs.cohere.com/docs/command-r7b-hf and https://docs.cohere.com/docs/prompting-command-r.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, END = "<|START_ACTION|>", "<|END_ACTION|>"
ACTION, OPENING_FENCE, CLOSING_FENCE = "Action:", "```json", "```"

LAYOUT = Layout(
    START,
    '\n    {"tool_call_id": "{index}", "tool_name": "{name}", "parameters": ',
    "}",
    between=",",
    opening="[",
    closing=f"\n]{END}",
)
FENCED_LAYOUT = Layout(
    ACTION,
    '    {\n        "tool_name": "{name}",\n        "parameters": ',
    "\n    }",
    between=",\n",
    opening=f" {OPENING_FENCE}\n[\n",
    closing=f"\n]{CLOSING_FENCE}",
)

CALLS = JsonCalls("tool_name", ("parameters",), id="")


def read(incoming: Incoming) -> Reading[None]:
    """All calls of an answer, between their markers."""
    yield from incoming.take(START)
    yield from CALLS.several(incoming)
    yield from incoming.space()
    yield from incoming.comes(END)


def read_fenced(incoming: Incoming) -> Reading[None]:
    """All calls of an answer, between fences."""
    yield from incoming.take(ACTION)
    yield from incoming.space()
    yield from incoming.take(OPENING_FENCE)
    yield from CALLS.several(incoming)
    yield from incoming.space()
    yield from incoming.comes(CLOSING_FENCE)


COMMAND_R7B = Family("command_r7b", (START,), (START,), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)
COMMAND_R = Family(
    "command_r", (ACTION, '"tool_name"'), (ACTION,), read_fenced, FENCED_LAYOUT.grammar, write=FENCED_LAYOUT.write
)
