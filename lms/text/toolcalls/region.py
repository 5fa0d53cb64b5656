"""One region of an answer in which there may be calls, on its way through its family's reader."""

from collections.abc import Mapping

from lms.generation.messages import Tool
from lms.text.toolcalls.family import Family, NotACall, Step
from lms.text.toolcalls.incoming import Incoming


class Region:
    """From the marker `start` to where the reader returns, or finds that this is not its format."""

    def __init__(self, family: Family, tools: Mapping[str, Tool], start: str) -> None:
        self.start = start
        self._incoming = Incoming(tools)
        self._incoming.feed(start)
        self._reading = family.read(self._incoming)
        self.has_calls = False
        self.is_over = False

    @property
    def rest(self) -> str:
        """What belongs to no call, once it is over. Without calls that is all, the marker included."""
        return self._incoming.uncommitted

    def feed(self, text: str) -> list[Step]:
        """What the reader makes of `text`."""
        self._incoming.feed(text)
        return self._read()

    def end(self) -> list[Step]:
        """What the reader makes of the end of the answer."""
        self._incoming.end()
        return self._read()

    def _read(self) -> list[Step]:
        steps: list[Step] = []
        try:
            while (step := next(self._reading)) is not None:
                self._incoming.commit()
                self.has_calls = True
                steps.append(step)
        except NotACall:
            self.is_over = True
        except StopIteration:
            self._incoming.commit()
            self.is_over = True
        return steps
