"""Stop strings: ending an answer at the first of some strings, of which no part is ever shown.

Strings are compared as they stand, character by character, without Unicode normalisation.
"""

from lms.text.search import Needles, Search


class StopStrings:
    """Watches one answer. Of several stop strings the one that is complete first ends it (see `search.Needles`)."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._search = Search(Needles(stops))
        self.hit: str | None = None
        """The stop string that ended the answer."""

    def feed(self, text: str) -> str:
        """What is safe to pass on. Nothing after a hit."""
        if self.hit is not None:
            return ""
        found = self._search.feed(text)
        self.hit = found.match
        return found.passed

    def flush(self) -> str:
        """The rest of an answer that ended by itself: the beginning of a stop string that never came."""
        return self._search.flush()
