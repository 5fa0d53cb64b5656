"""What an engine says in a round of calls."""

from lms.generation.events import (
    Event,
    Finished,
    Stats,
    StopReason,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
    Usage,
)

USAGE, STATS = Usage(prompt=10, completion=4, cached=2, reasoning=1), Stats(40.0, 0.5, 0.1)
Script = tuple[tuple[Event, ...], ...]


def calls(*made: tuple[str, str], said: str = "", reason: StopReason = "toolCalls") -> Script:
    """Calls of tools with these arguments, in an answer that ends for that reason."""
    text = ((TextDelta(said),),) if said else ()
    started = [
        (ToolCallStarted(index, f"call_{index}{len(arguments)}", name), ToolArgumentsDelta(index, arguments))
        for index, (name, arguments) in enumerate(made)
    ]
    return (*text, *started, (Finished(reason, USAGE, STATS),))
