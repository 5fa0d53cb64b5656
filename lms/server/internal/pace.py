"""How fast each loaded model answers, and how much context its answers take: read off what the log says of them."""

import threading

from lms.client.control import Pace
from lms.logbus.records import EmbeddingOutput, LogRecord, OutputStats, PredictionOutput


class Paces:
    """Of one daemon. Hears of each answer when it has ended; a model that was unloaded is remembered, a few bytes."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._lock = threading.Lock()

    def heard(self, published: LogRecord) -> None:
        """Count it. Quick, for whatever thread publishes."""
        match published.data:
            case PredictionOutput(model_identifier=identifier, stats=OutputStats() as stats):
                self._count(identifier, stats)
            case EmbeddingOutput(identifier):
                self._count(identifier, None)

    def rows(self) -> list[Pace]:
        with self._lock:
            return list(self._paces.values())

    def _count(self, identifier: str, stats: OutputStats | None) -> None:
        with self._lock:
            before = self._paces.get(identifier, Pace(identifier))
            self._paces[identifier] = Pace(
                identifier,
                answers=before.answers + 1,
                tokens=before.tokens + ((stats.predicted_tokens_count or 0) if stats else 0),
                tokens_per_second=(stats.tokens_per_second or None) if stats else None,
                context_tokens=stats.total_tokens_count if stats else None,
            )
