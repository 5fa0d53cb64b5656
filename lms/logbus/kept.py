"""Events on disk, a line of JSON each, in a few files that take no more than so much room: the oldest go first.

What is asked and answered is kept only where that was wished for: prompts are private, and so are these files.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from lms.logbus.records import (
    AnswersInWork,
    EmbeddingOutput,
    LogRecord,
    PredictionInput,
    PredictionOutput,
    RecordedRequest,
    RuntimeLog,
    ServerLog,
)
from lms.paths import ensure_private

FILES = 8
_NAME = "events.jsonl"


class KeptLog:
    """Writes events to `folder`, whatever thread they come from. A full disk costs the events and nothing else.

    limit_bytes: for all files together; 0 keeps nothing
    private: whether to keep what models are asked and answer, too
    """

    def __init__(self, folder: Path, limit_bytes: int, private: bool) -> None:
        self._private = private
        self._handler: _Files | None = None
        if limit_bytes:
            with suppress(OSError):
                self._handler = _Files(ensure_private(folder) / _NAME, limit_bytes // FILES)

    def heard(self, published: LogRecord) -> None:
        """Write it down if it is to be kept, and does not fill a file by itself."""
        if self._handler and _is_kept(published, self._private):
            line = msgspec.json.encode(published)
            if len(line) < self._handler.maxBytes:
                self._handler.handle(logging.makeLogRecord({"msg": line.decode()}))

    def close(self) -> None:
        """Let go of the file."""
        if self._handler:
            with suppress(OSError):
                self._handler.close()


def _is_kept(published: LogRecord, private: bool) -> bool:
    match published.data:
        case PredictionInput() | PredictionOutput() | RecordedRequest():
            return private
        case EmbeddingOutput() | AnswersInWork():
            return False
        case RuntimeLog(level=level) | ServerLog(level=level):
            return level != "debug"
    return True


class _Files(RotatingFileHandler):
    """Readable by their owner only. Never complains."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        super().__init__(path, maxBytes=limit_bytes, backupCount=FILES - 1, encoding="utf-8")

    def _open(self) -> Any:
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=_privately)

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read(folder: Path) -> Iterator[LogRecord]:
    """What was kept there, the oldest first. A line that cannot be read is passed over."""
    decoder = msgspec.json.Decoder(LogRecord)
    with ExitStack() as stack:
        # All are open before the first is read, so that none is renamed away meanwhile.
        files: list[Iterable[bytes]] = []
        for path in _paths(folder):
            with suppress(OSError):
                files.append(stack.enter_context(path.open("rb")))
        for file in files:
            for line in file:
                with suppress(msgspec.DecodeError, UnicodeDecodeError):
                    yield decoder.decode(line)


def _paths(folder: Path) -> Iterator[Path]:
    for number in range(FILES - 1, 0, -1):
        yield folder / f"{_NAME}.{number}"
    yield folder / _NAME
