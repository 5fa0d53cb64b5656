"""Figures for Prometheus. They live in the daemon, which hears of every request and answer, in whichever process that
was: one scrape tells all, and a front that is started again loses nothing.

An answer costs a few observations when it is over, a token costs nothing. Labels are names that are ours: of endpoints,
and of models that were loaded; never what a client typed.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

import lms
from lms.client.control import InstanceRow
from lms.logbus.records import EmbeddingOutput, HttpRequest, LogRecord, OutputStats, PredictionOutput, ServerLog

_METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
_OTHER = "other"

_REQUEST_S = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_FIRST_TOKEN_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TOKEN_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1)


class Meter:
    """All figures of one daemon. `instances` says what is loaded, at each scrape."""

    def __init__(self, instances: Callable[[], list[InstanceRow]]) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "lms_http_requests", "HTTP requests answered", ["method", "endpoint", "status"], registry=registry
        )
        self._request_s = Histogram(
            "lms_http_request_seconds",
            "From the arrival of a request to the end of its answer",
            ["endpoint"],
            buckets=_REQUEST_S,
            registry=registry,
        )
        self._answers = Counter(
            "lms_answers", "Answers that models have ended, by the reason", ["model", "reason"], registry=registry
        )
        self._prompt_tokens = Counter("lms_prompt_tokens", "Tokens of prompts and inputs", ["model"], registry=registry)
        self._cached_tokens = Counter(
            "lms_cached_prompt_tokens", "Tokens of prompts that were not processed again", ["model"], registry=registry
        )
        self._cache_hits = Counter(
            "lms_prompt_cache_hits", "Prompts of which a part was not processed again", ["model"], registry=registry
        )
        self._tokens = Counter("lms_generated_tokens", "Tokens of answers", ["model"], registry=registry)
        self._first_token_s = Histogram(
            "lms_time_to_first_token_seconds",
            "From the arrival of a request at its model to the first token",
            ["model"],
            buckets=_FIRST_TOKEN_S,
            registry=registry,
        )
        self._token_s = Histogram(
            "lms_time_per_token_seconds",
            "Between two tokens, on average over an answer",
            ["model"],
            buckets=_TOKEN_S,
            registry=registry,
        )
        Gauge("lms_build", "Always 1", ["version"], registry=registry).labels(lms.__version__).set(1)
        registry.register(_Loaded(instances))
        ProcessCollector(registry=registry)

    def heard(self, published: LogRecord) -> None:
        """Count what has happened. Quick, for whatever thread publishes."""
        match published.data:
            case ServerLog(request=HttpRequest() as request):
                self._served(request)
            case PredictionOutput(model_identifier=model, stats=OutputStats() as stats):
                self._answered(model, stats)
            case EmbeddingOutput(model, prompt_tokens):
                self._answers.labels(model, "embedded").inc()
                self._prompt_tokens.labels(model).inc(prompt_tokens)

    def exposition(self) -> bytes:
        """All figures in Prometheus' text format. Raises DaemonUnreachable when the daemon ends."""
        return generate_latest(self._registry)

    def _served(self, request: HttpRequest) -> None:
        endpoint = request.endpoint or _OTHER
        method = request.method if request.method in _METHODS else _OTHER
        self._requests.labels(method, endpoint, request.status).inc()
        self._request_s.labels(endpoint).observe(request.total_time_sec)

    def _answered(self, model: str, stats: OutputStats) -> None:
        cached, tokens = stats.cached_tokens_count or 0, stats.predicted_tokens_count or 0
        self._answers.labels(model, stats.stop_reason).inc()
        self._prompt_tokens.labels(model).inc(stats.prompt_tokens_count or 0)
        self._cached_tokens.labels(model).inc(cached)
        self._cache_hits.labels(model).inc(cached > 0)
        self._tokens.labels(model).inc(tokens)
        first_s, total_s = stats.time_to_first_token_sec, stats.total_time_sec
        if not tokens or first_s is None or total_s is None:
            return
        self._first_token_s.labels(model).observe(first_s)
        if tokens > 1:
            self._token_s.labels(model).observe((total_s - first_s) / (tokens - 1))


class _Loaded(Collector):
    """What is loaded at the moment of the scrape."""

    def __init__(self, instances: Callable[[], list[InstanceRow]]) -> None:
        self._instances = instances

    def collect(self) -> Iterable[GaugeMetricFamily]:
        rows = self._instances()
        yield _gauge("lms_requests_running", "Requests that a model works on", ((r, r.running) for r in rows))
        yield _gauge("lms_requests_queued", "Requests that wait for a model", ((r, r.queued) for r in rows))
        yield _gauge("lms_model_memory_bytes", "Memory that a loaded model takes", ((r, r.memory_bytes) for r in rows))
        yield _gauge("lms_model_loading", "1 while a model is loaded", ((r, r.state == "loading") for r in rows))


def _gauge(name: str, help_: str, values: Iterator[tuple[InstanceRow, float]]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, help_, labels=["model"])
    for row, value in values:
        gauge.add_metric([row.identifier], value)
    return gauge
