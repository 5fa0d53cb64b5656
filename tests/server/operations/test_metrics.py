"""What the meter makes of what it hears, read back as Prometheus reads it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lms.client.control import InstanceRow
from lms.errors import DaemonUnreachable
from lms.logbus.records import (
    EmbeddingOutput,
    HttpRequest,
    LogData,
    OutputStats,
    PredictionInput,
    PredictionOutput,
    ServerLog,
    record,
)
from lms.server.operations.metrics import Meter
from tests.server.backend import instance
from tests.server.scripted_engine import MODEL

STATS = OutputStats(
    "eosFound",
    time_to_first_token_sec=0.2,
    total_time_sec=1.2,
    prompt_tokens_count=100,
    cached_tokens_count=60,
    predicted_tokens_count=11,
)


class Meters:
    """A meter, and what it shows."""

    def __init__(self, *rows: InstanceRow) -> None:
        self.meter = Meter(lambda: list(rows))

    def hear(self, *said: LogData) -> "Meters":
        for data in said:
            self.meter.heard(record(data))
        return self

    def value(self, name: str, **labels: str) -> float | None:
        """The sample with exactly these labels."""
        for family in text_string_to_metric_families(self.meter.exposition().decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    def labels(self, name: str) -> list[dict[str, str]]:
        families = text_string_to_metric_families(self.meter.exposition().decode())
        return [sample.labels for family in families for sample in family.samples if sample.name == name]


def answered(model: str = "tiny-chat", stats: OutputStats | None = STATS) -> PredictionOutput:
    return PredictionOutput("Hello", model, stats)


def served(method: str = "POST", status: int = 200, endpoint: str | None = "/v1/completions") -> ServerLog:
    return ServerLog("", "info", HttpRequest("req_1", method, status, 0.3, endpoint))


def test_an_answer_counts_its_tokens_by_model() -> None:
    meters = Meters().hear(answered(), answered(), answered("other"))
    assert meters.value("lms_answers_total", model="tiny-chat", reason="eosFound") == 2
    assert meters.value("lms_prompt_tokens_total", model="tiny-chat") == 200
    assert meters.value("lms_cached_prompt_tokens_total", model="tiny-chat") == 120
    assert meters.value("lms_prompt_cache_hits_total", model="tiny-chat") == 2
    assert meters.value("lms_generated_tokens_total", model="tiny-chat") == 22
    assert meters.value("lms_generated_tokens_total", model="other") == 11


def test_an_answer_is_timed_once_to_its_first_token_and_once_between_tokens() -> None:
    meters = Meters().hear(answered())
    assert meters.value("lms_time_to_first_token_seconds_sum", model="tiny-chat") == pytest.approx(0.2)
    assert meters.value("lms_time_per_token_seconds_sum", model="tiny-chat") == pytest.approx(0.1)
    assert meters.value("lms_time_per_token_seconds_count", model="tiny-chat") == 1


def test_one_token_has_no_time_between_tokens_and_none_no_first() -> None:
    one = OutputStats(
        "maxPredictedTokensReached", time_to_first_token_sec=1, total_time_sec=1, predicted_tokens_count=1
    )
    none = OutputStats("userStopped", time_to_first_token_sec=1, total_time_sec=1, predicted_tokens_count=0)
    meters = Meters().hear(answered(stats=one), answered(stats=none))
    assert meters.value("lms_time_to_first_token_seconds_count", model="tiny-chat") == 1
    assert meters.value("lms_time_per_token_seconds_count", model="tiny-chat") is None


def test_a_prompt_of_which_nothing_was_known_is_no_hit() -> None:
    stats = OutputStats("eosFound", prompt_tokens_count=5, cached_tokens_count=0)
    assert Meters().hear(answered(stats=stats)).value("lms_prompt_cache_hits_total", model="tiny-chat") == 0


def test_embedded_tokens_count_as_prompts() -> None:
    meters = Meters().hear(EmbeddingOutput("text-embedding-tiny", 7))
    assert meters.value("lms_prompt_tokens_total", model="text-embedding-tiny") == 7
    assert meters.value("lms_answers_total", model="text-embedding-tiny", reason="embedded") == 1


def test_requests_are_counted_and_timed_by_endpoint() -> None:
    meters = Meters().hear(served(), served(status=429))
    labels = {"method": "POST", "endpoint": "/v1/completions"}
    assert meters.value("lms_http_requests_total", **labels, status="200") == 1
    assert meters.value("lms_http_requests_total", **labels, status="429") == 1
    assert meters.value("lms_http_request_seconds_sum", endpoint="/v1/completions") == pytest.approx(0.6)


def test_what_clients_invent_makes_no_new_series() -> None:
    meters = Meters().hear(*(served(f"M{number}", 404, None) for number in range(100)))
    assert meters.labels("lms_http_requests_total") == [{"method": "other", "endpoint": "other", "status": "404"}]


def test_what_is_loaded_is_looked_at_when_it_is_asked_for() -> None:
    meters = Meters(instance(MODEL), instance(MODEL, "other", loading=True))
    assert meters.value("lms_requests_running", model="tiny-chat") == 0
    assert meters.value("lms_requests_queued", model="other") == 0
    assert meters.value("lms_model_memory_bytes", model="tiny-chat") == 0
    assert meters.value("lms_model_loading", model="other") == 1


def test_what_has_no_figures_is_passed_over() -> None:
    meters = Meters().hear(PredictionInput("?", "", "tiny-chat"), answered(stats=None), ServerLog("hello", "info"))
    assert meters.labels("lms_answers_total") == []
    assert meters.labels("lms_http_requests_total") == []


def test_a_daemon_that_ends_is_not_hidden() -> None:
    def ending() -> list[InstanceRow]:
        raise DaemonUnreachable("The daemon is ending.")

    with pytest.raises(DaemonUnreachable):
        Meter(ending).exposition()
