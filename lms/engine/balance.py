"""Whether the draft model has paid: what it saved and what it cost, both measured. Pure.

What a draft will yield is estimated before each pass, from costs that were seen in other passes. Where checking a token
takes almost as long as drawing one, as small models on one thread do, errors of that estimate are larger than the gain,
and a model's weights push another's out of the processor's caches. So the outcome is looked at, too.
"""

WEIGHT_OF_NEWEST = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 16, 1024


class Balance:
    """Passes. `pause` is for how many passes the draft model is to be left alone; each pause without a gain before it
    is twice as long as the last."""

    def __init__(self) -> None:
        self.pause = 0
        self._saved = 0.0
        self._next_pause = FIRST_PAUSE

    def observe(self, saved: float) -> None:
        """A pass with guesses of the draft model saved so many passes without; a negative number was lost."""
        self._saved += WEIGHT_OF_NEWEST * (saved - self._saved)
        if self._saved < 0:
            self.pause, self._saved = self._next_pause, 0.0
            self._next_pause = min(2 * self._next_pause, LONGEST_PAUSE)
        elif self._saved > WEIGHT_OF_NEWEST:
            self._next_pause = FIRST_PAUSE

    def tick(self) -> None:
        """A pass goes by."""
        self.pause = max(0, self.pause - 1)
