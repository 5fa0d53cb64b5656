"""The pool with engines that act as they are told: threads, mailboxes and files, no processes."""

import errno
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from lms.client.control import LeaseRequest, LoadDone, LoadProgress, LoadRequest
from lms.config import defaults
from lms.config.defaults import LOAD_FIELDS
from lms.config.load import LoadConfig, Lora
from lms.config.settings import Settings
from lms.engine.protocol import Activity, Loading, Logged
from lms.errors import (
    DaemonUnreachable,
    EngineFailed,
    InvalidRequest,
    LmsError,
    ModelDamaged,
    ModelNotFound,
    ModelNotLoaded,
    NotEnoughMemory,
    Unsupported,
    UsageError,
)
from lms.logbus.bus import LogBus
from lms.logbus.records import LogRecord, RuntimeLog, ServerLog, record
from lms.paths import Home
from lms.pool.known import Known
from lms.pool.pool import Pool
from tests.pool.actors import Shelf, Stage
from tests.pool.plans import known

Make = Callable[..., Pool]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "run").mkdir()
    return Home(tmp_path)


@pytest.fixture
def make(home: Home) -> Iterator[Make]:
    pools: list[Pool] = []

    def make_pool(stage: Stage, shelf: Shelf | None = None, bus: LogBus | None = None, **settings: object) -> Pool:
        values = Settings(**settings)  # type: ignore[arg-type]
        pools.append(Pool(home, shelf or Shelf(), values, bus or LogBus(), spawn=stage.spawn, environ={}))
        return pools[-1]

    yield make_pool
    for pool in pools:
        pool.close()


def loaded(pool: Pool, model: str = "tiny", **fields: object) -> LoadDone:
    *_, done = pool.load(LoadRequest(model, **fields))  # type: ignore[arg-type]
    assert isinstance(done, LoadDone)
    return done


def test_a_load_tells_its_progress_and_ends_with_the_instance(make: Make) -> None:
    stage = Stage()
    reports = make(stage).load(LoadRequest("tiny", "mine", 60.0, LoadConfig(context_length=512)))
    with ThreadPoolExecutor(1) as reader:
        first = reader.submit(next, reports)
        actor = stage.next()
        actor.says(Loading(0.5))
        assert first.result() == LoadProgress(0.5)
        actor.comes_up()
        done = next(reports)
    assert isinstance(done, LoadDone)
    assert (done.instance.identifier, done.instance.ttl_s, done.instance.pid) == ("mine", 60.0, 4711)
    assert actor.spec.config == LoadConfig(context_length=512, unified_kv=True)
    assert actor.spec.model_path == "/models/tiny.gguf"


def test_closing_a_load_stops_its_engine(make: Make) -> None:
    stage = Stage()
    pool = make(stage)
    reports = pool.load(LoadRequest("tiny"))
    with ThreadPoolExecutor(1) as reader:
        first = reader.submit(next, reports)
        actor = stage.next()
        actor.says(Loading(0.1))
        first.result()
    reports.close()
    assert pool.instances() == []
    assert actor.stopped


def test_simultaneous_leases_share_one_engine(make: Make) -> None:
    stage = Stage()
    pool = make(stage)
    with ThreadPoolExecutor(8) as callers:
        leases = [callers.submit(pool.lease, "tiny", "llm", None) for _ in range(8)]
        stage.next().comes_up()
        assert {lease.result().identifier for lease in leases} == {"tiny"}
    assert stage.empty


def test_a_lease_of_an_unknown_model_is_refused(make: Make) -> None:
    with pytest.raises(ModelNotFound):
        make(Stage()).lease("nothing", "llm")


def test_a_lease_finds_a_custom_identifier_without_the_catalog(make: Make) -> None:
    pool = make(Stage(at_once_ready=True))
    loaded(pool, identifier="mine")
    assert pool.lease("mine", "llm").identifier == "mine"


def test_a_lease_with_jit_off_loads_nothing(make: Make) -> None:
    stage = Stage(at_once_ready=True)
    pool = make(stage, jit=False)
    with pytest.raises(ModelNotLoaded, match="tiny"):
        pool.lease("tiny", "llm")
    with pytest.raises(ModelNotFound):
        pool.lease("nothing", "llm")
    loaded(pool)
    assert pool.lease("tiny", "llm").identifier == "tiny"


@pytest.mark.parametrize(("asked", "given"), [(None, 3600), (30.0, 30), (-5.0, 3600), (0.0, 3600)])
def test_a_lease_that_loads_sets_the_ttl(make: Make, asked: float | None, given: float) -> None:
    pool = make(Stage(at_once_ready=True))
    pool.lease("tiny", "llm", asked)
    assert [row.ttl_s for row in pool.instances()] == [given]


def test_a_jit_ttl_of_zero_keeps_models(make: Make) -> None:
    pool = make(Stage(at_once_ready=True), jit_ttl_s=0)
    pool.lease("tiny", "llm")
    assert [row.ttl_s for row in pool.instances()] == [None]


def test_an_idle_model_goes_by_itself(make: Make) -> None:
    stage = Stage(at_once_ready=True)
    bus = LogBus()
    pool = make(stage, bus=bus)
    with bus.subscribe() as subscription:
        loaded(pool, ttl_s=0.05)
        said = []
        while "unloaded" not in said:
            published = subscription.next_record(5)
            assert published is not None
            said.append(getattr(published.data, "message", ""))
    assert pool.instances() == []
    assert stage.next().stopped


@pytest.mark.parametrize(
    ("model", "error"),
    [(known("tiny", damaged="It is cut off."), ModelDamaged), (known("tiny", format="mlx"), Unsupported)],
    ids=["damaged", "mlx"],
)
def test_models_of_no_use_are_refused(make: Make, model: Known, error: type[LmsError]) -> None:
    pool = make(Stage(), Shelf(model))
    with pytest.raises(error, match="tiny"):
        pool.lease("tiny", "llm")
    with pytest.raises(error, match="tiny"):
        loaded(pool)
    with pytest.raises(error, match="tiny"):
        pool.estimate(LoadRequest("tiny"))


def test_what_does_not_fit_is_refused_and_the_estimate_says_so(make: Make) -> None:
    pool = make(Stage(), Shelf(known("tiny"), need_bytes=1 << 60))
    assert not pool.estimate(LoadRequest("tiny")).fits
    with pytest.raises(NotEnoughMemory):
        loaded(pool)
    with pytest.raises(NotEnoughMemory):
        pool.lease("tiny", "llm")


def test_that_there_was_no_room_is_in_the_log(make: Make) -> None:
    bus = LogBus()
    pool = make(Stage(), Shelf(known("tiny"), need_bytes=1 << 60), bus=bus)
    with bus.subscribe() as subscription:
        with pytest.raises(NotEnoughMemory):
            loaded(pool)
        assert "was not loaded: “tiny” needs about" in _message(subscription.next_record(5))


def test_what_is_asked_for_reaches_the_engine(make: Make) -> None:
    config = LoadConfig(
        context_length=512, parallel=3, gpu_ratio=0.5, threads=2, batch_threads=3, batch_size=128, micro_batch_size=64,
        k_cache_type="q8_0", v_cache_type="q4_0", flash_attention=True, offload_kv_cache=False, use_mmap=False,
        use_mlock=True, speculation="ngram", draft_model="other", prompt_cache_mb=1, prompt_cache_disk_mb=2,
        overflow="rollingWindow", tensor_split=(3.0, 1.0), lora=(Lora("/a.gguf", 0.5),), chat_template="{{ messages }}",
    )  # fmt: skip
    by_themselves = {"unified_kv", "num_experts", "main_gpu"}  # planned, of mixtures, and not beside a split
    assert {name for name in LOAD_FIELDS if getattr(config, name) == getattr(LoadConfig(), name)} == by_themselves
    stage = Stage(at_once_ready=True)
    shelf = Shelf(*(replace(known(key), vocabulary="words") for key in ("tiny", "other")))
    loaded(make(stage, shelf), config=config)
    assert stage.next().spec.config == msgspec.structs.replace(config, unified_kv=True)


def test_experts_that_a_model_does_not_have_are_refused_before_an_engine_is_started(make: Make) -> None:
    stage = Stage()
    with pytest.raises(InvalidRequest, match="no mixture of experts"):
        loaded(make(stage), config=LoadConfig(num_experts=2))
    assert stage.empty


def test_a_lease_loads_its_model_with_the_context_that_it_asks_for(make: Make) -> None:
    stage = Stage(at_once_ready=True)
    pool = make(stage)
    answers = pool.wait_for_lease(LeaseRequest("tiny", context_length=512))
    assert [answer.identifier for answer in answers if answer] == ["tiny"]
    assert stage.next().spec.config.context_length == 512


def test_a_lease_of_a_longer_context_than_the_model_takes_is_refused(make: Make) -> None:
    stage = Stage()
    with pytest.raises(InvalidRequest, match="2048") as refusal:
        list(make(stage).wait_for_lease(LeaseRequest("tiny", context_length=4096)))
    assert refusal.value.param == "context_length"
    assert stage.empty


def test_a_ttl_must_be_positive(make: Make) -> None:
    with pytest.raises(InvalidRequest):
        loaded(make(Stage()), ttl_s=0.0)


def test_an_engine_that_cannot_be_started_fails_the_load(make: Make) -> None:
    for reason in (OSError("no such file"), RuntimeError("can't start new thread")):
        with pytest.raises(EngineFailed, match=str(reason)):
            loaded(make(Stage(refuse=reason)))


def test_an_engine_that_dies_while_loading_fails_the_lease_with_its_last_words(make: Make) -> None:
    stage = Stage()
    pool = make(stage)
    with ThreadPoolExecutor(1) as caller:
        lease = caller.submit(pool.lease, "tiny", "llm", None)
        stage.next().dies()
        with pytest.raises(EngineFailed) as failure:
            lease.result()
    assert "out of luck" in str(failure.value)


def test_of_a_model_that_dies_at_once_the_log_says_when_it_comes_back(make: Make) -> None:
    stage, bus = Stage(at_once_ready=True), LogBus()
    pool = make(stage, bus=bus)
    loaded(pool)
    with bus.subscribe() as subscription:
        stage.next().dies()
        assert "was killed by SIGKILL" in _message(subscription.next_record(5))
        assert "is loaded again when somebody asks for it" in _message(subscription.next_record(5))
    assert pool.instances() == []
    assert pool.lease("tiny", "llm").identifier == "tiny"


def test_an_engine_that_died_a_moment_ago_is_leased_to_nobody(make: Make) -> None:
    stage = Stage(at_once_ready=True)
    pool = make(stage)
    first = pool.lease("tiny", "llm")
    stage.next().unnoticed = True
    assert pool.lease("tiny", "llm").socket_path != first.socket_path


def test_a_model_whose_answer_has_just_ended_is_idle_for_who_asks_next(make: Make) -> None:
    stage = Stage(at_once_ready=True)
    pool = make(stage)
    pool.lease("tiny", "llm")
    answering = stage.next()
    answering.says(Activity("generating", 1, 0, 1))
    answering.unheard = [Activity("idle", 0, 0, 1)]
    pool.lease("other", "llm")
    assert answering.stopped


def test_a_lease_given_up_is_called_off(make: Make) -> None:
    stage = Stage()
    pool = make(stage)
    with pool.leasing(LeaseRequest("tiny")) as waiting, pytest.raises(TimeoutError):
        waiting.take(timeout_s=0.01)
    stage.next().comes_up()
    assert [row.state for row in pool.instances()] == ["idle"]


def test_a_log_that_cannot_be_written_ends_nothing(home: Home) -> None:
    def disk_is_full(_: LogRecord) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    pool = Pool(home, Shelf(), Settings(), LogBus(), disk_is_full, Stage(at_once_ready=True).spawn, environ={})
    assert loaded(pool).instance.identifier == "tiny"
    assert pool.lease("tiny", "llm").identifier == "tiny"
    assert pool.unload("tiny").identifier == "tiny"
    pool.close()


def test_what_goes_wrong_unexpectedly_is_logged_and_the_pool_goes_on(make: Make) -> None:
    stage, bus = Stage(at_once_ready=True), LogBus()
    pool = make(stage, bus=bus)
    loaded(pool)
    actor = stage.next()
    actor.stop_fails = RuntimeError("nobody expected this")
    with bus.subscribe() as subscription, ThreadPoolExecutor(1) as caller:
        unloaded = caller.submit(pool.unload, "tiny")
        said = [_message(subscription.next_record(5)) for _ in range(2)]
        assert "nobody expected this" in said[1]
        assert pool.instances() == []
        actor.dies()
        assert unloaded.result().identifier == "tiny"


def _message(published: LogRecord | None) -> str:
    assert published is not None
    return str(getattr(published.data, "message", ""))


def test_what_engines_log_is_published(make: Make) -> None:
    stage = Stage(at_once_ready=True)
    bus = LogBus()
    loaded(make(stage, bus=bus))
    actor = stage.next()
    with bus.subscribe() as subscription:
        actor.says(Logged(record(ServerLog("hello", "info"))))
        actor.mutters("ggml_something: noise")
        first, second = subscription.next_record(5), subscription.next_record(5)
    assert first is not None
    assert first.data == ServerLog("hello", "info")
    assert second is not None
    assert isinstance(second.data, RuntimeLog)
    assert (second.data.level, second.data.message, second.data.model_identifier) == (
        "debug",
        "ggml_something: noise",
        "tiny",
    )


def test_what_is_loaded_by_hand_is_loaded_again_by_the_next_pool(make: Make, home: Home) -> None:
    pool = make(Stage(at_once_ready=True))
    loaded(pool, identifier="mine", ttl_s=60.0)
    pool.close()
    stage = Stage()
    again = make(stage)
    again.restore()
    actor = stage.next()
    assert (actor.spec.identifier, actor.spec.model_key) == ("mine", "tiny")
    actor.comes_up()
    assert again.lease("mine", "llm").identifier == "mine"


def test_what_cannot_be_loaded_again_is_forgotten_and_holds_up_nothing(make: Make, home: Home) -> None:
    home.desired_models.write_text('[{"key": "gone", "identifier": "gone"}, {"key": "tiny", "identifier": "tiny"}]')
    stage = Stage()
    pool = make(stage)
    pool.restore()
    stage.next().comes_up()
    assert pool.lease("tiny", "llm").identifier == "tiny"
    assert "gone" not in home.desired_models.read_text()


def test_a_model_is_said_to_be_back_when_it_is_ready(make: Make, home: Home) -> None:
    home.desired_models.write_text('[{"key": "tiny", "identifier": "tiny"}]')
    stage, bus = Stage(), LogBus()
    pool = make(stage, bus=bus)
    with bus.subscribe() as subscription:
        pool.restore()
        stage.next().comes_up()
        said = [_message(subscription.next_record(5)) for _ in range(3)]
    assert said == ["loading", "ready after 0.50 s", "is loaded again, as before the daemon ended"]


def test_a_model_that_does_not_fit_any_more_is_said_to_be_lost(make: Make, home: Home) -> None:
    home.desired_models.write_text('[{"key": "tiny", "identifier": "tiny"}]')
    bus = LogBus()
    pool = make(Stage(), Shelf(known("tiny"), need_bytes=1 << 60), bus=bus)
    with bus.subscribe() as subscription:
        pool.restore()
        assert "cannot be loaded again" in _message(subscription.next_record(5))


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"key": 1}]', "\x00"])
def test_a_broken_list_of_models_is_no_obstacle(make: Make, home: Home, content: str) -> None:
    home.desired_models.write_text(content)
    pool = make(Stage(at_once_ready=True))
    pool.restore()
    assert loaded(pool).instance.identifier == "tiny"


def test_a_pool_told_to_forget_leaves_nothing_to_load_again(make: Make, home: Home) -> None:
    pool = make(Stage(at_once_ready=True))
    loaded(pool)
    assert home.desired_models.exists()
    pool.forget()
    pool.close()
    assert not home.desired_models.exists()


def test_closing_stops_all_engines_and_answers_who_waits(make: Make) -> None:
    stage = Stage()
    pool = make(stage)
    with ThreadPoolExecutor(1) as caller:
        lease = caller.submit(pool.lease, "tiny", "llm", None)
        actor = stage.next()
        pool.close()
        with pytest.raises(LmsError):
            lease.result()
    assert actor.stopped
    with pytest.raises(DaemonUnreachable):
        pool.instances()


def set_for(home: Home, fields: dict[str, object], model: str = "tiny") -> None:
    defaults.write(home.model_defaults, {model: fields})


def test_what_is_set_for_a_model_holds_where_nothing_is_asked_for(make: Make, home: Home) -> None:
    set_for(home, {"threads": 2, "context_length": 512, "ttl_s": 60, "pinned": True})
    row = loaded(make(Stage(at_once_ready=True)), config=LoadConfig(threads=3)).instance
    assert (row.config, row.ttl_s, row.pinned) == (LoadConfig(threads=3, context_length=512), 60, True)


def test_what_is_set_counts_from_the_next_load_on(make: Make, home: Home) -> None:
    pool = make(Stage(at_once_ready=True))
    assert loaded(pool).instance.config == LoadConfig()
    set_for(home, {"threads": 2})
    assert loaded(pool).instance.config == LoadConfig(threads=2)
    assert loaded(pool, said=("threads",)).instance.config == LoadConfig()


def test_models_loaded_by_a_request_have_what_is_set_for_them(make: Make, home: Home) -> None:
    set_for(home, {"threads": 2, "ttl_s": 60, "temperature": 0.25})
    pool = make(Stage(at_once_ready=True))
    assert pool.lease("tiny", "llm").sampling.temperature == 0.25
    row = pool.instances()[0]
    assert (row.config, row.ttl_s, row.jit) == (LoadConfig(threads=2), 60, True)


def test_what_is_set_for_a_model_and_what_is_asked_for_may_not_go_together(make: Make, home: Home) -> None:
    set_for(home, {"v_cache_type": "q8_0"})
    with pytest.raises(InvalidRequest, match="need flash attention"):
        loaded(make(Stage()), config=LoadConfig(flash_attention=False))


def test_a_file_of_settings_that_is_wrong_is_told_of_to_whoever_loads(make: Make, home: Home) -> None:
    home.model_defaults.write_text('{"tiny": {"thread": 1}}')
    with pytest.raises(UsageError, match="thread"):
        loaded(make(Stage()))


def test_an_estimate_names_who_would_go(make: Make) -> None:
    pool = make(Stage(at_once_ready=True), Shelf(need_bytes=60 << 20), memory_budget_mb=100)
    loaded(pool)
    figures = pool.estimate(LoadRequest("other"))
    assert (figures.evicted, figures.freed_bytes, figures.fits) == (("tiny",), 60 << 20, True)


def test_by_force_a_load_begins_that_the_estimate_refuses(make: Make) -> None:
    pool = make(Stage(at_once_ready=True), Shelf(need_bytes=1 << 60))
    assert loaded(pool, force=True).instance.identifier == "tiny"


def test_what_was_pinned_is_so_again_when_the_daemon_comes_back(make: Make) -> None:
    loaded(make(Stage(at_once_ready=True)), pinned=True)
    stage = Stage(at_once_ready=True)
    pool = make(stage)
    pool.restore()
    stage.next()
    assert [row.pinned for row in pool.instances()] == [True]


def test_a_chat_template_for_a_model_that_does_not_chat_is_refused(make: Make) -> None:
    with pytest.raises(InvalidRequest, match="has no chat template"):
        loaded(make(Stage()), "embed", config=LoadConfig(chat_template="{{ messages }}"))
