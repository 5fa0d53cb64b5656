"""The GGUF files as shipped, read back, and their cards."""

from pathlib import Path

import pytest

from tools.tiny_models import card
from tools.tiny_models.__main__ import CHAT, EMBEDDING
from tools.tiny_models.chat import template
from tools.tiny_models.chat.evaluate import COLUMNS, MEASURED, SEED_EXAMPLES, Figure, Miss, Report
from tools.tiny_models.embedding.evaluate import Report as RetrievalReport

gguf = pytest.importorskip("gguf")

FACTS = dict.fromkeys(
    ("layers", "width", "heads", "context", "vocabulary", "parameters", "file", "size"), "as the file says"
)


def stored(path: Path, key: str) -> object:
    return gguf.GGUFReader(path).fields[key].contents()


@pytest.mark.parametrize(("path", "limit_bytes"), [(CHAT, 4_000_000), (EMBEDDING, 3_000_000)])
def test_a_file_stays_small(path: Path, limit_bytes: int) -> None:
    assert path.stat().st_size <= limit_bytes


@pytest.mark.parametrize("path", [CHAT, EMBEDDING])
def test_a_file_says_what_it_is_and_whose(path: Path) -> None:
    assert stored(path, "general.name") == path.parent.name
    assert stored(path, "general.author") == "lms"
    assert stored(path, "general.license") == "MIT"
    assert stored(path, "general.file_type") == gguf.LlamaFileType.MOSTLY_F16


def test_tiny_chat_is_a_llama_with_room_for_2048_tokens() -> None:
    assert stored(CHAT, "general.architecture") == "llama"
    assert stored(CHAT, "llama.context_length") == 2048


def test_tiny_chat_carries_the_template_it_was_trained_with() -> None:
    assert stored(CHAT, "tokenizer.chat_template") == template.SOURCE


def test_tiny_chat_ends_a_turn_with_a_control_token() -> None:
    tokens = stored(CHAT, "tokenizer.ggml.tokens")
    end = tokens.index(template.END_OF_TURN)
    assert stored(CHAT, "tokenizer.ggml.eos_token_id") == end
    assert stored(CHAT, "tokenizer.ggml.token_type")[end] == gguf.TokenType.CONTROL


def test_tool_markers_are_single_tokens_that_show_in_replies() -> None:
    tokens, types = stored(CHAT, "tokenizer.ggml.tokens"), stored(CHAT, "tokenizer.ggml.token_type")
    for marker in ("<tool_call>", "</tool_call>"):
        assert types[tokens.index(marker)] == gguf.TokenType.USER_DEFINED


def test_the_embedding_model_is_a_bert_that_takes_the_mean() -> None:
    assert stored(EMBEDDING, "general.architecture") == "bert"
    assert stored(EMBEDDING, "bert.pooling_type") == gguf.PoolingType.MEAN


def test_a_card_shows_every_measured_skill_with_its_figures() -> None:
    columns = tuple(
        tuple(Figure(name, 4, (Miss("", "", ""),) * wrong) for name in MEASURED) for wrong in range(len(COLUMNS))
    )
    text = card.chat_card(FACTS, Report(columns, Figure("seeds", 3, ())), "In one run.")
    assert text.endswith("In one run.\n")
    for name in MEASURED:
        assert f"| {name} | 100 | 75 | 50 |" in text


def test_the_shipped_cards_have_a_line_for_every_measured_skill() -> None:
    text = CHAT.with_name("README.md").read_text(encoding="utf-8")
    assert all(f"| {name} | " in text for name in MEASURED)
    assert f"{len(SEED_EXAMPLES)} of {len(SEED_EXAMPLES)} right" in text


def test_the_embedding_card_shows_the_share_found() -> None:
    assert "93.5 % of 200 searches" in card.embedding_card(FACTS, RetrievalReport(200, 187))
