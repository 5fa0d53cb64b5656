"""Tool calls as Nemotron Nano 2 writes them: `<TOOLCALL>[{"name": …, "arguments": {…}}, …]</TOOLCALL>`.

Nemotron 3 writes what Qwen3-Coder does.
Format: the chat template of https://huggingface.co/nvidia/NVIDIA-Nemotron-Nano-9B-v2.
"""

from lms.text.toolcalls.family import Family, Reading
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import Layout

START, END = "<TOOLCALL>", "</TOOLCALL>"

LAYOUT = Layout(START, '{"name": "{name}", "arguments": ', "}", between=", ", opening="[", closing=f"]{END}")


def read(incoming: Incoming) -> Reading[None]:
    """All calls of an answer."""
    yield from incoming.take(START)
    yield from JsonCalls().several(incoming)
    yield from incoming.space()
    yield from incoming.comes(END)


NEMOTRON = Family("nemotron", (START,), (START,), read, LAYOUT.grammar, markers=(END,), write=LAYOUT.write)
