"""Which positions the tokens of a sequence have in llama.cpp's memory, of sequences with pictures too. Pure.

In text the token with index n has position n. A picture may move on by fewer positions than it has tokens: models with
M-RoPE number its rows and columns, and go on after the longer side (`mtmd_input_chunk_get_n_pos`).
"""

from array import array
from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Span:
    """A picture of `length` tokens from index `start` on, which moves on by so many `positions`."""

    start: int
    length: int
    positions: int

    @property
    def end(self) -> int:
        return self.start + self.length


class Positions:
    """The pictures in every slot."""

    def __init__(self, slots: int) -> None:
        self._spans: list[list[Span]] = [[] for _ in range(slots)]

    def of(self, slot: int, index: int) -> int:
        """The position of the token with that index, where it follows all pictures before it."""
        return index - sum(span.length - span.positions for span in self._spans[slot] if span.end <= index)

    def divides(self, slot: int, index: int) -> bool:
        """Whether a cut before that index would leave a part of a picture."""
        return any(span.start < index < span.end for span in self._spans[slot])

    def add(self, slot: int, span: Span) -> None:
        """`slot` holds a picture after all it held."""
        self._spans[slot].append(span)

    def cut(self, slot: int, length: int) -> None:
        """`slot` holds only its first `length` tokens from now on."""
        self._spans[slot] = [span for span in self._spans[slot] if span.end <= length]

    def share(self, source: int, slot: int, length: int) -> None:
        """`slot` holds the first `length` tokens of `source`."""
        self._spans[slot] = list(self._spans[source])
        self.cut(slot, length)

    def packed(self, slot: int) -> bytes:
        """The pictures of `slot`, for `unpack`: so many numbers of 32 bits, and last how many pictures there are."""
        numbers = array("i", (number for span in self._spans[slot] for number in astuple(span)))
        numbers.append(len(self._spans[slot]))
        return numbers.tobytes()

    def unpack(self, slot: int, state: bytes) -> int:
        """Take in what `packed` put at the end of `state`. Returns the bytes before it."""
        numbers = array("i")
        (count,) = array("i", state[-numbers.itemsize :])
        before = len(state) - numbers.itemsize * (3 * count + 1)
        numbers.frombytes(state[before : -numbers.itemsize])
        self._spans[slot] = [Span(*numbers[first : first + 3]) for first in range(0, len(numbers), 3)]
        return before
