import pytest

from lms.config.load import LoadConfig
from lms.config.passes import EMBED_TOKENS, FINISHED_SLOTS, PassSizes, embedding_for_processor, pass_sizes


def generating(**asked: int | str | bool) -> PassSizes:
    return pass_sizes(LoadConfig(**asked), 4096, embedding=False)  # type: ignore[arg-type]


def test_a_chunk_of_a_prompt_and_the_answers_beside_it_are_one_micro_batch() -> None:
    sizes = generating(parallel=8)
    assert (sizes.prompt_tokens, sizes.micro_batch_tokens) == (512, 520)


def test_a_larger_batch_leaves_the_micro_batch_and_its_memory_as_they_are() -> None:
    assert generating(batch_size=4096).micro_batch_tokens == generating().micro_batch_tokens
    assert generating(batch_size=64, parallel=1).micro_batch_tokens == 65


def test_a_micro_batch_that_is_asked_for_is_had() -> None:
    assert generating(batch_size=4096, micro_batch_size=2048).micro_batch_tokens == 2048
    assert generating(micro_batch_size=8).micro_batch_tokens == 8


@pytest.mark.parametrize("speculation", ["off", "ngram"])
@pytest.mark.parametrize("parallel", [1, 4, 256])
def test_every_answer_and_every_slot_has_an_output(parallel: int, speculation: str) -> None:
    sizes = generating(parallel=parallel, speculation=speculation)
    assert sizes.outputs >= parallel + FINISHED_SLOTS
    assert sizes.outputs >= sizes.batch_tokens - sizes.prompt_tokens >= parallel


def test_guesses_of_every_answer_fit_into_a_pass() -> None:
    guessed = generating(parallel=4, speculation="ngram").batch_tokens - generating(parallel=4).batch_tokens
    assert guessed == 3 * 16  # one draft has room anyway


def test_a_text_that_is_embedded_is_computed_as_a_whole() -> None:
    for context_length in (512, 8192):
        sizes = pass_sizes(LoadConfig(micro_batch_size=64), context_length, embedding=True)
        assert sizes.micro_batch_tokens == sizes.batch_tokens == max(context_length, 2048)


def test_texts_share_passes_of_the_size_that_was_asked_for() -> None:
    for asked in (None, 64, 4096):
        config = embedding_for_processor(LoadConfig(batch_size=asked))
        sizes = pass_sizes(config, 512, embedding=True)
        assert sizes.prompt_tokens == (asked or EMBED_TOKENS)
        assert sizes.batch_tokens == max(512, sizes.prompt_tokens)
