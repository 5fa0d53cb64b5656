"""How fast each loaded model answers, and how much context its answers take: read off what the log says of them."""

import threading

from msgspec.structs import replace

from lms.client.control import Pace
from lms.logbus.records import AnswersInWork, EmbeddingOutput, LogRecord, OutputStats, PredictionOutput


class Paces:
    """Of one daemon. Hears of each answer when it has ended, and of longer ones now and then before; a model that was
    unloaded is remembered, a few bytes.
    """

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._in_work: dict[str, int] = {}
        self._lock = threading.Lock()

    def heard(self, published: LogRecord) -> None:
        """Count it. Quick, for whatever thread publishes."""
        match published.data:
            case PredictionOutput(model_identifier=identifier, stats=OutputStats() as stats):
                self._count(identifier, stats)
            case EmbeddingOutput(identifier):
                self._count(identifier, None)
            case AnswersInWork(identifier, tokens, speed, context_tokens):
                self._look(identifier, tokens, speed, context_tokens)

    def rows(self) -> list[Pace]:
        with self._lock:
            return [replace(pace, tokens=pace.tokens + self._written(pace.identifier)) for pace in self._paces.values()]

    def _count(self, identifier: str, stats: OutputStats | None) -> None:
        tokens = (stats.predicted_tokens_count or 0) if stats else 0
        with self._lock:
            before = self._paces.get(identifier, Pace(identifier))
            self._in_work[identifier] = max(0, self._written(identifier) - tokens)
            self._paces[identifier] = Pace(
                identifier,
                answers=before.answers + 1,
                tokens=before.tokens + tokens,
                tokens_per_second=(stats.tokens_per_second or None) if stats else None,
                context_tokens=stats.total_tokens_count if stats else None,
            )

    def _look(self, identifier: str, tokens: int, speed: float, context_tokens: int) -> None:
        with self._lock:
            before = self._paces.get(identifier, Pace(identifier))
            self._in_work[identifier] = tokens
            self._paces[identifier] = replace(before, tokens_per_second=speed or None, context_tokens=context_tokens)

    def _written(self, identifier: str) -> int:
        """By the answers in work, as far as it is known."""
        return self._in_work.get(identifier, 0)
