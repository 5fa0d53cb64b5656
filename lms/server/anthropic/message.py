"""`POST /v1/messages`: the reply to a request that does not stream, and what a stream has in common with it."""

import hashlib
from typing import Any

import msgspec

from lms.generation.events import Finished, StopReason, Usage, WasRead
from lms.generation.messages import ToolCall
from lms.server.answers import Answer, Head

STOP_REASON: dict[StopReason, str] = {
    "eosFound": "end_turn",
    "stopStringFound": "stop_sequence",
    "toolCalls": "tool_use",
    "maxPredictedTokensReached": "max_tokens",
    "contextLengthReached": "model_context_window_exceeded",
    "userStopped": "end_turn",
    "modelUnloaded": "end_turn",
    "failed": "end_turn",
}

JsonObject = dict[str, Any]


def body(answer: Answer, head: Head, shows_thinking: bool) -> JsonObject:
    """The reply."""
    usage = usage_body(answer.finished.usage)
    return frame(head) | {"content": _content(answer, shows_thinking), "usage": usage} | ending(answer.finished)


def count_body(read: WasRead) -> JsonObject:
    """The reply to a request for the number of tokens."""
    return {"input_tokens": len(read.tokens)}


def frame(head: Head) -> JsonObject:
    """A message before anything is in it."""
    return {
        "id": head.id,
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def ending(finished: Finished) -> JsonObject:
    """Why the message ends."""
    return {"stop_reason": STOP_REASON[finished.reason], "stop_sequence": finished.stop_string}


def usage_body(usage: Usage) -> JsonObject:
    """Tokens. What was read from a cache is not among Anthropic's `input_tokens`."""
    return input_body(usage.prompt, usage.cached) | {
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def input_body(prompt: int, cached: int) -> JsonObject:
    return {
        "input_tokens": prompt - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
    }


class Signature:
    """Grows with the thoughts of one block. Clients send it back with them and must not find it empty; here it proves
    nothing, as nothing depends on who thought.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, thoughts: str) -> None:
        self._digest.update(thoughts.encode())

    def __str__(self) -> str:
        return self._digest.hexdigest()


def _content(answer: Answer, shows_thinking: bool) -> list[JsonObject]:
    content: list[JsonObject] = []
    if answer.reasoning:
        signature = Signature()
        signature.add(answer.reasoning)
        thinking = answer.reasoning if shows_thinking else ""
        content.append({"type": "thinking", "thinking": thinking, "signature": str(signature)})
    if answer.text:
        content.append({"type": "text", "text": answer.text})
    return content + [_tool_use(call) for call in answer.tool_calls]


def _tool_use(call: ToolCall) -> JsonObject:
    """A call; what the end of the answer left incomplete is text."""
    try:
        given = msgspec.json.decode(call.arguments or "{}", type=JsonObject)
    except (msgspec.DecodeError, RecursionError):
        return {"type": "text", "text": f"{call.name}({call.arguments}"}
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}
