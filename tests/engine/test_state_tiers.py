"""Finished prompts on disk, with real engines: they outlive the one that processed them."""

from pathlib import Path

import msgspec
import pytest

from lms.config.load import LoadConfig
from lms.engine.protocol import EngineSpec
from lms.generation.events import Finished
from lms.generation.request import GenerateRequest, Sampling, TextPrompt
from tests.engine.processes import bundled, started

PROMPT = GenerateRequest(
    TextPrompt("a rather long beginning of a story " * 20), Sampling(temperature=0.0), max_tokens=8
)
ON_DISK = LoadConfig(prompt_cache_disk_mb=64)


def spec(folder: Path, config: LoadConfig = ON_DISK) -> EngineSpec:
    return EngineSpec(
        "llama",
        bundled("tiny-chat"),
        "tiny-chat",
        "tiny-chat",
        str(folder / "engine.sock"),
        config,
        prompt_cache_bytes=64 << 20,
        prompt_cache_folder=str(folder / "cache"),
    )


def answer(wanted: EngineSpec) -> Finished:
    with started(wanted) as engine:
        engine.wait_ready()
        last = engine.ask(PROMPT)[-1]
    assert isinstance(last, Finished)
    return last


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "cache").rglob("*") if path.is_file()]


def test_a_prompt_is_not_processed_again_after_the_model_was_unloaded(tmp_path: Path) -> None:
    first, second = answer(spec(tmp_path)), answer(spec(tmp_path))
    assert first.usage.cached == 0
    assert second.usage.cached == second.usage.prompt - 2


def test_nothing_is_written_unless_the_load_config_says_so(tmp_path: Path) -> None:
    answer(spec(tmp_path, LoadConfig()))
    assert files(tmp_path) == []


@pytest.mark.parametrize("other", [LoadConfig(k_cache_type="q8_0"), LoadConfig(context_length=1024)])
def test_what_other_settings_left_is_not_used(tmp_path: Path, other: LoadConfig) -> None:
    answer(spec(tmp_path))
    assert answer(spec(tmp_path, msgspec.structs.replace(other, prompt_cache_disk_mb=64))).usage.cached == 0


def test_a_damaged_file_is_a_prompt_processed_again(tmp_path: Path) -> None:
    answer(spec(tmp_path))
    for path in files(tmp_path):
        path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    assert answer(spec(tmp_path)).usage.cached == 0


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    assert answer(spec(tmp_path)).usage.completion == 8
