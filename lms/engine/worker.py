"""Everything an engine does with its model, without a socket: requests in, events out, one pass at a time.

The order of a pass is the whole policy: cancelled requests are gone before it, new ones join it, embeddings and
answers each get theirs.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable

from msgspec.structs import replace

from lms.engine.answer import Answer
from lms.engine.batch import Batch, Measured, Progressed, Rolled, Sampled, Work
from lms.engine.biases import by_tokens
from lms.engine.draft_models import DraftModels
from lms.engine.embedding import EmbedQueue
from lms.engine.gauge import Gauge
from lms.engine.model import Model
from lms.engine.pace import Pace
from lms.engine.prompts import PromptReader
from lms.engine.protocol import Activity, EngineSpec, EngineState
from lms.engine.reading import Reader
from lms.engine.state_tiers import open_store
from lms.errors import EngineFailed, LmsError, ModelUnloaded, QueueFull, to_wire
from lms.generation.events import Event, Failed, Finished
from lms.generation.request import (
    DEFAULT_SAMPLING,
    EmbedRequest,
    GenerateRequest,
    RankRequest,
    ReadRequest,
    Request,
    SpellRequest,
)
from lms.logbus.records import (
    EmbeddingOutput,
    Level,
    LogData,
    OutputStats,
    PredictionInput,
    PredictionOutput,
    RuntimeLog,
)

# The daemon ends an engine that takes five seconds to stop (`pool.process`).
STORING_TIMEOUT_S = 3.0

Happened = list[tuple[int, list[Event]]]


class Worker:
    """Requests are known by numbers that the caller chooses. One thread only."""

    def __init__(
        self,
        spec: EngineSpec,
        model: Model,
        publish: Callable[[LogData], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._spec = spec
        self._model = model
        self._publish = publish
        self._clock = clock
        self._answers: dict[int, Answer] = {}
        self._served = 0
        if spec.embedding:
            self._embeds = EmbedQueue(model, model.embedder())
            self._reader = Reader(model.vocabulary)
        else:
            self._sampling = model.defaults.over(DEFAULT_SAMPLING)
            self._prompts = PromptReader(model)
            self._reader = Reader(model.vocabulary, self._prompts)
            self._pace = Pace(model.batch_tokens)
            self._gauge = Gauge(spec.identifier)
            decoder = model.decoder()
            store = open_store(spec, model.state_settings, self._say, divisible=decoder.states_divisible)
            self._batch = Batch(decoder, self._pace.limits, store, speculates=spec.config.speculation == "ngram")
            self._draft_models = DraftModels(model, self._batch.speculator, self._warn, clock)
            self._draft_models.use(spec.draft_model)

    @property
    def is_busy(self) -> bool:
        """Whether `step` has work."""
        return bool(self._answers) if not self._spec.embedding else bool(len(self._embeds))

    @property
    def activity(self) -> Activity:
        """What the daemon is told."""
        if self._spec.embedding:
            waiting = len(self._embeds)
            state: EngineState = "computingEmbedding" if waiting else "idle"
            return Activity(state, min(waiting, 1), max(waiting - 1, 0), self._served)
        busy: EngineState = "processingPrompt" if self._batch.is_prefilling or not self._batch.running else "generating"
        return Activity(busy if self.is_busy else "idle", self._batch.running, self._batch.waiting, self._served)

    def submit(self, uid: int, request: Request) -> list[Event]:
        """Queue a request, or answer at once what needs no pass. Raises the LmsError that refuses it."""
        self._served += 1
        match request:
            case ReadRequest():
                return [self._reader.read(request)]
            case SpellRequest():
                return [self._reader.spell(request)]
            case EmbedRequest() | RankRequest():
                self._submit_texts(uid, request)
            case GenerateRequest():
                self._submit_generation(uid, request)
        return []

    def cancel(self, uid: int) -> None:
        """The client has gone: free what the request holds."""
        if self._spec.embedding:
            self._embeds.remove(uid)
        elif answer := self._answers.pop(uid, None):
            self._batch.remove(uid)
            self._log_output(answer, answer.finish("userStopped", self._clock()))

    def step(self) -> Happened:
        """Run one pass and say what came of it. A pass that fails ends all its requests with the error."""
        try:
            return self._step_embeddings() if self._spec.embedding else self._step_answers()
        except LmsError as error:
            return self._fail_all(error)
        except Exception as error:
            traceback.print_exc()
            return self._fail_all(unexpected(error))

    def stop(self) -> Happened:
        """End every request, because the model is unloaded."""
        if self._spec.embedding:
            gone: list[Event] = [Failed(to_wire(ModelUnloaded(f"“{self._spec.identifier}” was unloaded.")))]
            return [(uid, gone) for uid in self._embeds.clear()]
        self._prompts.close()
        happened: Happened = []
        for uid, answer in list(self._answers.items()):
            events = answer.finish("modelUnloaded", self._clock())
            self._end(uid, events)
            happened.append((uid, events))
        return happened

    def close(self) -> None:
        """Store what finished requests left behind, where stored states outlive the model."""
        if not self._spec.embedding:
            self._batch.close(STORING_TIMEOUT_S)

    def warm_up(self) -> None:
        """Compute a first token or vector, so that the engine does not say it is ready before it has worked."""
        if self._spec.embedding:
            self._model.embedder().embed([self._model.vocabulary.tokenize("ready", add_special=True)])
            return
        tokens = self._model.vocabulary.tokenize("ready", add_special=True) or [0]
        self._batch.insert(0, tokens, self._sampling)
        self._batch.step()
        self._batch.remove(0)

    def _check_queue(self) -> None:
        now = self.activity
        if now.running + now.queued >= self._model.parallel + self._spec.queue_limit:
            raise QueueFull(
                f"“{self._spec.identifier}” has {self._spec.queue_limit} requests waiting, and takes no more.",
                hint="Try again in a moment.",
            )

    def _submit_texts(self, uid: int, request: EmbedRequest | RankRequest) -> None:
        self._check_queue()
        if not self._spec.embedding:
            self._model.embedder()
        self._embeds.insert(uid, request)

    def _submit_generation(self, uid: int, request: GenerateRequest) -> None:
        self._check_queue()
        if self._spec.embedding:
            self._model.decoder()
        arrived_s = self._clock()
        request = self._as_loaded(request)
        prepared = self._prompts.prepare(request)
        draft_model = self._draft_models.use(request.draft_model or self._spec.draft_model)
        self._publish(PredictionInput(prepared.text, self._spec.model_path, self._spec.identifier))
        sampling = request.sampling.over(self._sampling)
        self._batch.insert(
            uid,
            prepared.tokens,
            sampling,
            prepared.guide,
            pictures=prepared.pictures,
            draft_model=draft_model is not None,
            dictation=prepared.dictation,
            logprobs=request.logprobs,
            measures=request.echo and request.logprobs is not None,
            window=prepared.window,
        )
        room = sys.maxsize if prepared.window else self._model.context_length - len(prepared.tokens)
        self._answers[uid] = Answer(request, prepared, room, arrived_s, draft_model)

    def _as_loaded(self, request: GenerateRequest) -> GenerateRequest:
        """The request with what it leaves to the load config, and all biases by id. Raises InvalidRequest."""
        overflow = request.overflow or self._spec.config.overflow
        if not request.sampling.logit_bias and not request.sampling.text_bias:
            return replace(request, overflow=overflow)
        biases = by_tokens(request.sampling, self._model.vocabulary)
        return replace(request, overflow=overflow, sampling=replace(request.sampling, logit_bias=biases, text_bias={}))

    def _step_embeddings(self) -> Happened:
        happened: Happened = []
        for uid, outcome in self._embeds.step():
            self._publish(EmbeddingOutput(self._spec.identifier, outcome.prompt_tokens))
            happened.append((uid, [outcome]))
        return happened

    def _step_answers(self) -> Happened:
        started_s = self._clock()
        outcomes = self._batch.step()
        now_s = self._clock()
        drawn = sum(len(outcome.tokens) for outcome in outcomes if isinstance(outcome, Sampled))
        self._learn(self._batch.last, drawn, now_s - started_s)
        happened: dict[int, list[Event]] = {}
        for outcome in outcomes:
            answer = self._answers[outcome.uid]
            events = happened.setdefault(outcome.uid, [])
            match outcome:
                case Progressed(_, processed, total, cached):
                    events += answer.progressed(processed, total, cached)
                case Sampled(_, tokens, drafted, likelihoods):
                    events += answer.sampled(tokens, drafted, now_s, likelihoods)
                case Measured(_, likelihoods):
                    answer.measured(likelihoods)
                case Rolled(_, left_out):
                    answer.rolled(left_out)
            if answer.finished:
                self._end(outcome.uid, events)
                if answer.error:
                    events[-1] = Failed(to_wire(answer.error))
        if news := self._gauge.passed(started_s, now_s, drawn, self._answers.values()):
            self._publish(news)
        return list(happened.items())

    def _learn(self, work: Work, drawn: int, seconds: float) -> None:
        """What the last pass cost, and what it yielded, says how to plan the next."""
        passed_s = seconds - work.guessing.seconds
        if work.pictures or not work.tokens:  # looking takes its own time
            return
        self._pace.observe(work.tokens, passed_s)
        self._batch.speculator.cost.observe_guessing(work.guessing.tried, work.guessing.seconds)
        self._batch.limits = self._pace.limits
        if work.answers_only:
            running = work.tokens - work.drafted
            self._batch.speculator.cost.observe(running, work.drafted, passed_s)
            self._batch.speculator.took(running, drawn, seconds)

    def _end(self, uid: int, events: list[Event]) -> None:
        self._batch.remove(uid)
        self._log_output(self._answers.pop(uid), events)

    def _fail_all(self, error: LmsError) -> Happened:
        failed: list[Event] = [Failed(to_wire(error))]
        if self._spec.embedding:
            return [(uid, failed) for uid in self._embeds.clear()]
        for answer in self._answers.values():
            self._log_output(answer, answer.finish("failed", self._clock()))
        uids = list(self._answers)
        self._answers.clear()
        self._batch.reset()
        return [(uid, failed) for uid in uids]

    def _warn(self, message: str) -> None:
        self._say("warn", message)

    def _say(self, level: Level, message: str) -> None:
        runtime = self._model.runtime
        identifier = self._spec.identifier
        self._publish(RuntimeLog(level, message, runtime.name, runtime.version, "gguf", identifier, os.getpid()))

    def _log_output(self, answer: Answer, events: list[Event]) -> None:
        finished = next(event for event in reversed(events) if isinstance(event, Finished))
        self._publish(PredictionOutput(answer.text, self._spec.identifier, _output_stats(finished)))


def unexpected(error: Exception) -> LmsError:
    """An exception that nobody planned, as an error that can be sent. Its traceback goes to stderr, which the daemon
    puts into the runtime log."""
    return EngineFailed(f"The engine met an unexpected error: {type(error).__name__}: {error}.")


def _output_stats(finished: Finished) -> OutputStats:
    usage, stats = finished.usage, finished.stats
    drafts = stats.drafts if stats.draft_model or stats.drafts.total else None
    return OutputStats(
        stop_reason=finished.reason,
        stop_string=finished.stop_string,
        tokens_per_second=stats.tokens_per_second,
        time_to_first_token_sec=stats.time_to_first_token_s,
        total_time_sec=stats.time_to_first_token_s + stats.generation_time_s,
        prompt_tokens_count=usage.prompt,
        cached_tokens_count=usage.cached,
        predicted_tokens_count=usage.completion,
        total_tokens_count=usage.prompt + usage.completion,
        used_draft_model_key=stats.draft_model,
        total_draft_tokens_count=drafts.total if drafts else None,
        accepted_draft_tokens_count=drafts.accepted if drafts else None,
        rejected_draft_tokens_count=drafts.rejected if drafts else None,
        ignored_draft_tokens_count=drafts.ignored if drafts else None,
    )
