"""Tool calls as Hermes, Qwen 2.5 and Qwen 3 write them: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`.

Format: https://github.com/NousResearch/Hermes-Function-Calling. The first end marker ends the call, so an argument
that contains one makes the call text.
"""

import msgspec

from lms.text.toolcalls.family import Family, ParsedCall


class _Call(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


def parse(body: str) -> tuple[ParsedCall, ...]:
    """The call in `body`, or none. Arguments that are missing or null count as `{}`."""
    try:
        call = msgspec.json.decode(body, type=_Call)
        arguments = bytes(call.arguments).decode()
        arguments = "{}" if arguments == "null" else arguments
        is_object = isinstance(msgspec.json.decode(arguments), dict)
    except (msgspec.DecodeError, RecursionError):  # the latter for arguments nested a thousand deep
        return ()
    return (ParsedCall(call.name, arguments),) if call.name and is_object else ()


HERMES = Family("hermes", "<tool_call>", "</tool_call>", parse)
