"""Log events look as `lms log stream --json` prints them."""

import msgspec
import pytest

from lms.logbus.records import (
    LogData,
    LogRecord,
    Missed,
    OutputStats,
    PredictionInput,
    PredictionOutput,
    RuntimeLog,
    ServerLog,
)

EVENTS: list[tuple[LogData, dict[str, object]]] = [
    (
        PredictionInput("hi", "lms/tiny/tiny.gguf", "tiny"),
        {
            "type": "llm.prediction.input",
            "input": "hi",
            "modelPath": "lms/tiny/tiny.gguf",
            "modelIdentifier": "tiny",
        },
    ),
    (
        PredictionOutput("ho", "tiny", OutputStats("eosFound", tokens_per_second=2.5)),
        {
            "type": "llm.prediction.output",
            "output": "ho",
            "modelIdentifier": "tiny",
            "stats": {"stopReason": "eosFound", "tokensPerSecond": 2.5},
        },
    ),
    (ServerLog("GET /", "info"), {"type": "server.log", "content": "GET /", "level": "info"}),
    (
        RuntimeLog("warn", "hm", "llama.cpp", "1", "gguf", pid=7),
        {
            "type": "runtime.log",
            "level": "warn",
            "message": "hm",
            "engineName": "llama.cpp",
            "engineVersion": "1",
            "engineType": "gguf",
            "pid": 7,
        },
    ),
    (Missed(3), {"type": "log.missed", "count": 3}),
]


@pytest.mark.parametrize(("data", "shape"), EVENTS)
def test_each_kind_of_event_has_its_shape_and_survives_a_round_trip(data: LogData, shape: dict[str, object]) -> None:
    published = LogRecord(1_700_000_000_000, data)
    line = msgspec.json.encode(published)
    assert msgspec.json.decode(line) == {"timestamp": 1_700_000_000_000, "data": shape}
    assert msgspec.json.decode(line, type=LogRecord) == published
