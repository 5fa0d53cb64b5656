"""What a family of tool-call formats is: two markers, and a function for what stands between them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class ParsedCall(NamedTuple):
    """A function's name, and the JSON text of an object: its arguments, as the model wrote them."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Family:
    """`parse` gets the text between the markers and returns the calls in it: none when it is not in the format."""

    name: str
    start: str
    end: str
    parse: Callable[[str], tuple[ParsedCall, ...]]
