"""Load options reach llama.cpp: what it says of itself in the runtime log, and what the process does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from lms.config.load import LoadConfig
from lms.engine.protocol import EngineSpec, LoadFailed, Logged, Ready
from lms.generation.request import GenerateRequest, Sampling, TextPrompt
from lms.logbus.records import RuntimeLog
from tests.engine.kinds import KINDS, mixture
from tests.engine.processes import EngineProcess, started
from tests.engine.rig import chat, written
from tests.engine.test_llama import finished, spec

GREEDY = Sampling(temperature=0.0)

# A program that may lock no memory, whoever runs it: for root it gives up CAP_IPC_LOCK (14) by PR_CAPBSET_DROP (24).
MAY_LOCK_NOTHING = (
    "import ctypes, os, resource, sys; "
    "resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)); "
    "ctypes.CDLL(None).prctl(24, 14, 0, 0, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@dataclass
class Loaded:
    engine: EngineProcess
    end: Ready | LoadFailed
    log: str


@contextmanager
def loaded(folder: Path, config: LoadConfig, *, prefix: tuple[str, ...] = (), cells: int = 0) -> Iterator[Loaded]:
    """tiny-chat under `config`, and all that llama.cpp said until it was loaded or not."""
    said: list[str] = []
    asked = replace(spec(folder, "tiny-chat", config), cells=cells)
    with started(asked, prefix=prefix) as engine:
        for report in engine.reports:
            if isinstance(report, Logged) and isinstance(report.record.data, RuntimeLog):
                said.append(report.record.data.message)
            if isinstance(report, Ready | LoadFailed):
                yield Loaded(engine, report, "\n".join(said))
                return
    raise AssertionError("the engine ended before it was ready")


def answer(engine: EngineProcess) -> str:
    return written(engine.ask(chat("Say this is a test!", sampling=GREEDY)))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (LoadConfig(context_length=512), "n_ctx                 = 512"),
        (LoadConfig(k_cache_type="q8_0", v_cache_type="q4_0"), "K (q8_0)"),
        (LoadConfig(k_cache_type="q8_0", v_cache_type="q4_0"), "V (q4_0)"),
        (LoadConfig(flash_attention=True), "flash_attn            = enabled"),
        (LoadConfig(flash_attention=False), "flash_attn            = disabled"),
        (LoadConfig(), "flash_attn            = disabled"),
        (LoadConfig(batch_size=64, parallel=2, context_length=256), "n_ubatch              = 64"),
        (LoadConfig(micro_batch_size=32), "n_ubatch              = 32"),
        (LoadConfig(unified_kv=False, parallel=3, context_length=256), "n_seq_max             = 3"),
        (LoadConfig(unified_kv=False, parallel=3, context_length=256), "n_ctx                 = 768"),
        (LoadConfig(unified_kv=False), "kv_unified            = false"),
        (LoadConfig(), "kv_unified            = true"),
        (LoadConfig(), "load_mode = mmap)"),
        (LoadConfig(use_mmap=False), "load_mode = none)"),
        (LoadConfig(use_mlock=True), "load_mode = mmap+mlock)"),
        (LoadConfig(use_mmap=False, use_mlock=True), "load_mode = mlock)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_llama_cpp_says_what_was_asked_for_and_answers(tmp_path: Path, config: LoadConfig, says: str) -> None:
    with loaded(tmp_path, config) as model:
        assert isinstance(model.end, Ready), model.end
        assert says in model.log
        assert finished(model.engine.ask(chat("Say this is a test!", sampling=GREEDY))).usage.completion > 0


@pytest.mark.parametrize(
    "config", [LoadConfig(threads=4), LoadConfig(threads=1, batch_threads=4)], ids=["both", "prompts"]
)
def test_as_many_threads_as_asked_for_compute(tmp_path: Path, config: LoadConfig) -> None:
    def threads(config: LoadConfig) -> int:
        with loaded(tmp_path, config) as model:
            answer(model.engine)
            return psutil.Process(model.engine.process.pid).num_threads()

    assert threads(config) - threads(LoadConfig(threads=1)) == 3


def test_in_a_split_cache_prompts_share_their_beginning_too(tmp_path: Path) -> None:
    requests = [
        chat(f"Repeat after me: seven green apples {verb}.", sampling=GREEDY) for verb in ("fell", "rose", "sang")
    ]

    def answers(config: LoadConfig) -> list[str]:
        with loaded(tmp_path, config) as model:
            events = [model.engine.ask(request) for request in requests]
        assert all(finished(each).usage.cached > 0 for each in events[1:])
        return [written(each) for each in events]

    assert answers(LoadConfig(unified_kv=False, parallel=2)) == answers(LoadConfig())


def test_a_model_that_cannot_be_locked_is_loaded_with_a_warning(tmp_path: Path) -> None:
    prefix = (sys.executable, "-c", MAY_LOCK_NOTHING)
    with loaded(tmp_path, LoadConfig(use_mlock=True), prefix=prefix) as model:
        assert isinstance(model.end, Ready)
        assert [warning for warning in model.end.warnings if "could not be locked" in warning]
        assert answer(model.engine) == "This is a test!"


def test_a_mixture_uses_as_many_experts_as_asked_for(tmp_path: Path) -> None:
    request = GenerateRequest(TextPrompt("one two three four"), GREEDY, max_tokens=16)

    def answer_of(used: int, asked: int | None) -> str:
        path = mixture(tmp_path / f"{used}.gguf", used)
        config = LoadConfig(num_experts=asked)
        wanted = EngineSpec("llama", str(path), "moe", "moe", str(tmp_path / "engine.sock"), config, arch="llama")
        with started(wanted) as engine:
            engine.wait_ready()
            return written(engine.ask(request))

    assert answer_of(used=2, asked=1) == answer_of(used=1, asked=None) != answer_of(used=2, asked=None)


def test_a_locked_model_is_locked_or_said_not_to_be(tmp_path: Path) -> None:
    with loaded(tmp_path, LoadConfig(use_mlock=True)) as model:
        assert isinstance(model.end, Ready)
        status = Path(f"/proc/{model.engine.process.pid}/status").read_text().splitlines()
        locked_kib = next(int(line.split()[1]) for line in status if line.startswith("VmLck"))
        assert locked_kib > 1000 or model.end.warnings


def test_a_cache_type_that_a_model_cannot_have_is_refused_with_llama_cpps_reason(tmp_path: Path) -> None:
    path = KINDS["windowed"](tmp_path / "windowed.gguf")
    config = LoadConfig(k_cache_type="q8_0", flash_attention=True)
    asked = EngineSpec("llama", str(path), "windowed", "windowed", str(tmp_path / "engine.sock"), config)
    with started(asked) as engine:
        failed = next(report for report in engine.reports if isinstance(report, LoadFailed))
    assert "block size 32 does not divide" in failed.error["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_split_cache_changes_no_answer_of_any_kind_of_model(tmp_path: Path, kind: str) -> None:
    path = KINDS[kind](tmp_path / "model.gguf")
    beginning = "one two three four five six seven eight nine ten eleven twelve "
    requests = [GenerateRequest(TextPrompt(beginning + end), GREEDY, max_tokens=8) for end in ("a", "b", "a", "c d")]

    def answers(config: LoadConfig) -> list[str]:
        asked = EngineSpec("llama", str(path), kind, kind, str(tmp_path / "engine.sock"), config)
        with started(asked) as engine:
            engine.wait_ready()
            return [written(engine.ask(request)) for request in requests]

    shared = LoadConfig(context_length=256, parallel=2)
    assert answers(replace(shared, unified_kv=False)) == answers(shared)
