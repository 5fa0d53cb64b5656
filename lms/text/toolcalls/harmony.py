"""Tool calls as gpt-oss writes them: messages of the commentary channel, addressed to a function.

    <|channel|>commentary to=functions.NAME <|constrain|>json<|message|>{…}<|call|>

The address may stand before the channel instead, where the message's role does: ` to=functions.NAME<|channel|>…`. The
last marker ends the answer. Format: https://cookbook.openai.com/articles/openai-harmony.
"""

from lms.text.toolcalls.family import Ended, Family, NotACall, Reading, Started
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.layout import Layout

ADDRESS = " to=functions."
COMMENTARY, ANALYSIS = f"<|channel|>commentary{ADDRESS}", f"<|channel|>analysis{ADDRESS}"
MESSAGE, CALL, NEXT = "<|message|>", "<|call|>", "<|start|>assistant"

LAYOUT = Layout(COMMENTARY, f"{{name}} <|constrain|>json{MESSAGE}", "", between=f"{CALL}{NEXT}{COMMENTARY}")


def read(incoming: Incoming) -> Reading[None]:
    """One call."""
    yield from incoming.take(COMMENTARY, ANALYSIS, ADDRESS)
    header = yield from incoming.until(MESSAGE)
    name = incoming.known(header.partition("<|")[0].partition(" ")[0])
    yield from incoming.space()
    if (yield from incoming.peek()) != "{":
        raise NotACall
    yield Started(name)
    yield from incoming.json_object()
    yield Ended()
    if (yield from incoming.comes(CALL)):
        yield from incoming.comes(NEXT)


HARMONY = Family(
    "harmony",
    (MESSAGE, "<|channel|>commentary"),
    (COMMENTARY, ANALYSIS),
    read,
    LAYOUT.grammar,
    leading=(ADDRESS,),
    markers=(f"<|constrain|>json{MESSAGE}{CALL}",),
    write=LAYOUT.write,
)
