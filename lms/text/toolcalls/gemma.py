"""Tool calls as Gemma 4 and FunctionGemma write them, which differ in their markers and in what strings stand between:

    <|tool_call>call:NAME{KEY:<|"|>VALUE<|"|>,KEY:1}<tool_call|>
    <start_function_call>call:NAME{KEY:<escape>VALUE<escape>}<end_function_call>

Without a stop, FunctionGemma goes on with a result that it makes up: its answer ends before that.
Format: https://ai.google.dev/gemma/docs/functiongemma/formatting-and-best-practices, and the chat template of
https://huggingface.co/google/gemma-4-31B-it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lms.generation.messages import Tool
from lms.text.toolcalls.family import Ended, Family, Over, Reading, Started
from lms.text.toolcalls.gemma_grammar import GemmaRules
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.layout import object_schema, quoted
from lms.text.toolcalls.literals import Literals


@dataclass(frozen=True)
class _Markers:
    """What one of the two writes. `quote` is what strings stand between, and `result` begins what a call returns."""

    start: str
    end: str
    quote: str
    result: str

    def read(self, incoming: Incoming) -> Reading[None]:
        """One call, between its markers."""
        yield from incoming.take(self.start)
        yield from incoming.space()
        yield from incoming.take("call:")
        name = yield from incoming.name("{")
        yield Started(name)
        yield from Literals((self.quote,)).members(incoming, ":", "}")
        yield Ended()
        yield from incoming.space()
        yield from incoming.take(self.end)
        if (yield from incoming.comes(self.result)):
            yield Over()

    def grammar(self, tools: Sequence[Tool], parallel: bool) -> str:
        """As `family.WriteGrammar`. Raises Unsupported for a schema that this way of writing cannot enforce."""
        more = f" ({quoted(self.start)} one_call)*" if parallel else ""
        rules = [
            f"calls: one_call{more}",
            f"one_call: {' | '.join(f'call_{number}' for number in range(len(tools)))}",
        ]
        for number, tool in enumerate(tools):
            rules.append(f"call_{number}: {quoted('call:' + tool.name)} arguments_{number} {quoted(self.end)}")
            rules += GemmaRules(self.quote, f"arguments_{number}", object_schema(tool)).all()
        return "\n".join(rules) + "\n"


GEMMA_4 = _Markers("<|tool_call>", "<tool_call|>", '<|"|>', "<|tool_response>")
FUNCTION_GEMMA = _Markers("<start_function_call>", "<end_function_call>", "<escape>", "<start_function_response>")

GEMMA = Family(
    "gemma",
    (GEMMA_4.start, GEMMA_4.end),
    (GEMMA_4.start,),
    GEMMA_4.read,
    GEMMA_4.grammar,
    markers=(GEMMA_4.end, GEMMA_4.quote, GEMMA_4.result),
)
FUNCTIONGEMMA = Family(
    "functiongemma",
    (FUNCTION_GEMMA.start,),
    (FUNCTION_GEMMA.start,),
    FUNCTION_GEMMA.read,
    FUNCTION_GEMMA.grammar,
    markers=(FUNCTION_GEMMA.end, FUNCTION_GEMMA.quote, FUNCTION_GEMMA.result),
)
