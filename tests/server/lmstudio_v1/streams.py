"""Reading event streams whose events have names."""

from typing import Any

import msgspec


def events_of(stream: bytes) -> list[Any]:
    """The JSON of every event, once it has been seen that its name is its type. Comments are skipped."""
    return [_event(block) for block in stream.decode().split("\n\n") if block and not block.startswith(":")]


def _event(block: str) -> Any:
    name, data = block.split("\n")
    event = msgspec.json.decode(data.removeprefix("data: "))
    assert name == f"event: {event['type']}"
    return event


def types_of(stream: bytes) -> list[str]:
    return [event["type"] for event in events_of(stream)]
