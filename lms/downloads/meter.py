"""How fast bytes come, over the last few seconds. Pure: it is told the time."""

from collections import deque

WINDOW_S = 5.0
# Fewer samples than that many a second are kept.
_SAMPLE_S = 0.25


class Meter:
    """Told of bytes by one thread, asked by others."""

    def __init__(self, now_s: float) -> None:
        self._samples: deque[tuple[float, int]] = deque([(now_s, 0)], maxlen=int(WINDOW_S / _SAMPLE_S))
        self._bytes = 0

    def count(self, size_bytes: int, now_s: float) -> None:
        self._bytes += size_bytes
        if now_s - self._samples[-1][0] >= _SAMPLE_S:
            self._samples.append((now_s, self._bytes))

    def bytes_per_s(self, now_s: float) -> float:
        """0 when nothing has come for a whole window."""
        samples = [sample for sample in tuple(self._samples) if now_s - sample[0] <= WINDOW_S]
        begin_s, begin_bytes = samples[0] if samples else (now_s, self._bytes)
        elapsed_s = now_s - begin_s
        return max(0.0, (self._bytes - begin_bytes) / elapsed_s) if elapsed_s > 0 else 0.0
