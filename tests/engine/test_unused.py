"""What a load says of options that change nothing."""

import pytest

from lms.config.load import LoadConfig
from lms.config.passes import pass_sizes
from lms.engine.unused import unused


def said(config: LoadConfig, *, embedding: bool = False, gpus: int = 0) -> str:
    return " ".join(unused(config, pass_sizes(config, 2048, embedding=embedding), embedding=embedding, gpus=gpus))


@pytest.mark.parametrize(
    "config",
    [
        LoadConfig(),
        LoadConfig(gpu_ratio=0.0),
        LoadConfig(parallel=8, speculation="ngram", overflow="rollingWindow", prompt_cache_mb=0),
        LoadConfig(batch_size=64, micro_batch_size=64),
    ],
)
def test_what_is_done_as_asked_needs_no_word(config: LoadConfig) -> None:
    assert said(config) == ""


def test_a_part_for_the_gpu_where_there_is_none_is_told_of() -> None:
    assert "finds no GPU here" in said(LoadConfig(gpu_ratio=0.5))
    assert said(LoadConfig(gpu_ratio=0.5), gpus=1) == ""


def test_what_is_for_generating_is_told_of_at_an_embedding_model() -> None:
    config = LoadConfig(parallel=2, overflow="truncateMiddle", threads=2, micro_batch_size=4096)
    assert said(config, embedding=True) == "An embedding model has no use for: parallel, overflow."


def test_a_micro_batch_that_no_pass_fills_is_told_of() -> None:
    assert "lowered from 4096 to 5" in said(LoadConfig(micro_batch_size=4096))
