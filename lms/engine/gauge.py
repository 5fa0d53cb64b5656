"""What the answers in work have come to, said about once a second. Pure but for what it is told."""

from collections.abc import Collection

from lms.engine.answer import Answer
from lms.logbus.records import AnswersInWork

INTERVAL_S = 1.0


class Gauge:
    """Of one model. Times are seconds of one steady clock."""

    def __init__(self, identifier: str) -> None:
        self._identifier = identifier
        self._since_s = 0.0
        self._passed_s = 0.0
        self._drawn = 0

    def passed(self, began_s: float, ended_s: float, drawn: int, answers: Collection[Answer]) -> AnswersInWork | None:
        """What is to be said after a pass that drew so many tokens, if it is time for it. A pause counts for nothing:
        after one it begins anew.
        """
        if began_s - self._passed_s > INTERVAL_S:
            self._since_s, self._drawn = began_s, 0
        self._passed_s = ended_s
        self._drawn += drawn
        elapsed_s = ended_s - self._since_s
        if elapsed_s < INTERVAL_S or not answers:
            return None
        speed = self._drawn / elapsed_s
        self._since_s, self._drawn = ended_s, 0
        written = sum(answer.tokens for answer in answers)
        return AnswersInWork(self._identifier, written, speed, max(answer.context_tokens for answer in answers))
