"""Figures for Prometheus. They live in the daemon, which hears of every request and answer, in whichever process that
was: one scrape tells all, and a front that is started again loses nothing.

An answer costs a few observations when it is over, a token costs nothing. Labels are names that are ours: of endpoints,
and of models that were loaded; never what a client typed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

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
        self._registry = CollectorRegistry()
        self._traffic = _Traffic(self._registry)
        self._answers = _Answers(self._registry)
        self._registry.register(_Loaded(instances))
        Gauge("lms_build", "Always 1", ["version"], registry=self._registry).labels(lms.__version__).set(1)
        ProcessCollector(registry=self._registry)

    def heard(self, published: LogRecord) -> None:
        """Count what has happened. Quick, for whatever thread publishes."""
        match published.data:
            case ServerLog(request=HttpRequest() as request):
                self._traffic.served(request)
            case PredictionOutput(model_identifier=model, stats=OutputStats() as stats):
                self._answers.written(model, stats)
            case EmbeddingOutput(model, prompt_tokens):
                self._answers.embedded(model, prompt_tokens)

    def exposition(self) -> bytes:
        """All figures in Prometheus' text format. Raises DaemonUnreachable when the daemon ends."""
        return generate_latest(self._registry)


class _Traffic:
    """What the HTTP server does, by endpoint."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ["method", "endpoint", "status"]
        self._requests = Counter("lms_http_requests", "HTTP requests answered", names, registry=registry)
        help_ = "From the arrival of a request to the end of its answer"
        self._seconds = Histogram(
            "lms_http_request_seconds", help_, ["endpoint"], buckets=_REQUEST_S, registry=registry
        )

    def served(self, request: HttpRequest) -> None:
        endpoint = request.endpoint or _OTHER
        method = request.method if request.method in _METHODS else _OTHER
        self._requests.labels(method, endpoint, request.status).inc()
        self._seconds.labels(endpoint).observe(request.total_time_sec)


class _Answers:
    """What models do, by their identifiers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(name, help_, ["model", *labels], registry=registry)

        def histogram(name: str, help_: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(name, help_, ["model"], buckets=buckets, registry=registry)

        self._answers = counter("lms_answers", "Answers that have ended, by the reason", "reason")
        self._prompt_tokens = counter("lms_prompt_tokens", "Tokens of prompts and inputs")
        self._cached_tokens = counter("lms_cached_prompt_tokens", "Those of them that were not processed again")
        self._cache_hits = counter("lms_prompt_cache_hits", "Prompts with any such tokens")
        self._tokens = counter("lms_generated_tokens", "Tokens of answers")
        self._first_token_s = histogram(
            "lms_time_to_first_token_seconds", "From the arrival of a request at its model", _FIRST_TOKEN_S
        )
        self._token_s = histogram("lms_time_per_token_seconds", "After the first, on average over an answer", _TOKEN_S)

    def written(self, model: str, stats: OutputStats) -> None:
        """An answer has ended, whether or not it was whole."""
        cached, tokens = stats.cached_tokens_count or 0, stats.predicted_tokens_count or 0
        self._answers.labels(model, stats.stop_reason).inc()
        self._prompt_tokens.labels(model).inc(stats.prompt_tokens_count or 0)
        self._cached_tokens.labels(model).inc(cached)
        self._cache_hits.labels(model).inc(cached > 0)
        self._tokens.labels(model).inc(tokens)
        first_s, total_s = stats.time_to_first_token_sec, stats.total_time_sec
        if tokens and first_s is not None and total_s is not None:
            self._first_token_s.labels(model).observe(first_s)
            if tokens > 1:
                self._token_s.labels(model).observe((total_s - first_s) / (tokens - 1))

    def embedded(self, model: str, prompt_tokens: int) -> None:
        """Texts have become vectors or scores."""
        self._answers.labels(model, "embedded").inc()
        self._prompt_tokens.labels(model).inc(prompt_tokens)


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
