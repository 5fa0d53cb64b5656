"""Log events in the shape `lms log stream --json` prints: a time in unix milliseconds and tagged data in camelCase."""

import sys
import time
from typing import Literal

import msgspec

Level = Literal["debug", "info", "warn", "error"]


class _Data(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", tag_field="type"):
    """Common to all kinds of data."""


class OutputStats(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The numbers of one finished answer, named as LM Studio's log names them."""

    stop_reason: str
    stop_string: str | None = None
    tokens_per_second: float | None = None
    time_to_first_token_sec: float | None = None
    total_time_sec: float | None = None
    prompt_tokens_count: int | None = None
    cached_tokens_count: int | None = None
    predicted_tokens_count: int | None = None
    total_tokens_count: int | None = None
    used_draft_model_key: str | None = None
    total_draft_tokens_count: int | None = None
    accepted_draft_tokens_count: int | None = None
    rejected_draft_tokens_count: int | None = None
    ignored_draft_tokens_count: int | None = None


class PredictionInput(_Data, frozen=True, tag="llm.prediction.input"):
    """The whole prompt as the model receives it, after the template."""

    input: str
    model_path: str
    model_identifier: str


class PredictionOutput(_Data, frozen=True, tag="llm.prediction.output"):
    """The whole answer, once, when it is finished."""

    output: str
    model_identifier: str
    stats: OutputStats | None = None


class HttpRequest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One request that was answered: by which endpoint (None: there is none such), and how long that took as a whole.

    `id` is what the client finds in `x-request-id`.
    """

    id: str
    method: str
    status: int
    total_time_sec: float
    endpoint: str | None = None


class ServerLog(_Data, frozen=True, tag="server.log"):
    """What the server says; about a request, also in figures."""

    content: str
    level: Level
    request: HttpRequest | None = None


class RecordedRequest(_Data, frozen=True, tag="request.recorded"):
    """A request as it came, for `lms replay`. Only where recording is on; shown in no view of the log."""

    id: str
    path: str
    body: str


class AnswersInWork(_Data, frozen=True, tag="llm.prediction.progress"):
    """What a model writes just now, about once a second while it does. Shown in no view of the log.

    predicted_tokens_count: of all answers in work, so far; tokens_per_second: of all together, since it was said last
    context_tokens_count: prompt and answer of the longest
    """

    model_identifier: str
    predicted_tokens_count: int
    tokens_per_second: float
    context_tokens_count: int


class EmbeddingOutput(_Data, frozen=True, tag="embedding.output"):
    """An embedding model has answered a request. Shown in no view of the log: there is no text to show."""

    model_identifier: str
    prompt_tokens_count: int


class RuntimeLog(_Data, frozen=True, tag="runtime.log"):
    """What an engine, or the daemon about an engine, says."""

    level: Level
    message: str
    engine_name: str
    engine_version: str
    engine_type: str
    model_identifier: str | None = None
    pid: int | None = None


class Missed(_Data, frozen=True, tag="log.missed"):
    """The reader was too slow: so many events were dropped for it before the next one."""

    count: int


LogData = (
    PredictionInput
    | PredictionOutput
    | RecordedRequest
    | AnswersInWork
    | EmbeddingOutput
    | ServerLog
    | RuntimeLog
    | Missed
)


class LogRecord(msgspec.Struct, frozen=True):
    timestamp: int
    data: LogData


def record(data: LogData) -> LogRecord:
    """`data` stamped with the time now."""
    return LogRecord(time.time_ns() // 1_000_000, data)


def text_bytes(data: LogData) -> int:
    """The memory that its text takes. All else in an event is small."""
    match data:
        case (
            PredictionInput(input=text)
            | PredictionOutput(output=text)
            | ServerLog(content=text)
            | RuntimeLog(message=text)
            | RecordedRequest(body=text)
        ):
            return sys.getsizeof(text)
    return 0
