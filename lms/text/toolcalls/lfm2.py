"""Tool calls as LFM2 writes them: a list of calls in Python's notation, with named arguments only.

    <|tool_call_start|>[NAME(KEY="VALUE", KEY=1), NAME()]<|tool_call_end|>

Asked for it, the models write a list of JSON objects instead.
Format: https://huggingface.co/LiquidAI/LFM2-1.2B#%EF%B8%8F-tool-use.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lms.generation.messages import Tool
from lms.text.toolcalls.family import Ended, Family, Reading, Started
from lms.text.toolcalls.incoming import Incoming
from lms.text.toolcalls.json_calls import JsonCalls
from lms.text.toolcalls.layout import json_rule, object_schema, quoted
from lms.text.toolcalls.listed import Member, listed
from lms.text.toolcalls.literals import Literals

START, END = "<|tool_call_start|>", "<|tool_call_end|>"
PYTHON = Literals(('"', "'"), has_escapes=True)


def read(incoming: Incoming) -> Reading[None]:
    """All calls of an answer."""
    yield from incoming.take(START)
    yield from incoming.space()
    yield from incoming.take("[")
    while True:
        yield from incoming.space()
        yield from _call(incoming)
        yield from incoming.space()
        if (yield from incoming.take(",", "]")) == "]":
            break
    yield from incoming.space()
    yield from incoming.comes(END)


def _call(incoming: Incoming) -> Reading[None]:
    if (yield from incoming.peek()) == "{":
        yield from JsonCalls().one(incoming)
        return
    name = yield from incoming.name("(")
    yield Started(name)
    yield from PYTHON.members(incoming, "=", ")")
    yield Ended()


def grammar(tools: Sequence[Tool], parallel: bool) -> str:
    """As `family.WriteGrammar`. Values are written as JSON, all of which the models understand as well."""
    more = ' (", " one_call)*' if parallel else ""
    rules = [
        f'calls: "[" one_call{more} {quoted("]" + END)}',
        f"one_call: {' | '.join(f'call_{number}' for number in range(len(tools)))}",
    ]
    for number, tool in enumerate(tools):
        rules.append(f'call_{number}: {quoted(tool.name + "(")} arguments_{number} ")"')
        rules += _arguments(f"arguments_{number}", object_schema(tool))
    return "\n".join(rules) + "\n"


def _arguments(rule: str, schema: dict[str, Any]) -> list[str]:
    if "properties" not in schema and schema.get("additionalProperties") is not False:
        return [f'{rule}: ({rule}_any (", " {rule}_any)*)?', f'{rule}_any: /[A-Za-z_]\\w{{0,63}}/ "=" {json_rule({})}']
    shared: dict[str, Any] = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    properties: dict[str, Any] = schema.get("properties", {})
    members = [Member(f"{rule}_{number}", key in schema.get("required", ())) for number, key in enumerate(properties)]
    values = [
        f"{member.rule}: {quoted(key + '=')} {json_rule(shared | (value if isinstance(value, dict) else {}))}"
        for member, (key, value) in zip(members, properties.items(), strict=True)
    ]
    return [*listed(rule, members, ", "), *values]


def write(calls: Sequence[tuple[str, str]]) -> str:
    """Some calls: the names of functions, and the JSON texts of their arguments."""
    return f"{START}[{', '.join(_written(name, json.loads(arguments)) for name, arguments in calls)}]{END}"


def _written(name: str, arguments: dict[str, Any]) -> str:
    members = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
    return f"{name}({', '.join(members)})"


# Newer templates do not mention the markers.
LFM2 = Family("lfm2", ("<|tool_list_start|>",), (START,), read, grammar, markers=(END,), write=write)
LFM2_5 = replace(LFM2, name="lfm2_5", mentioned=("List of tools: [",))
