from pathlib import Path
from typing import Any

import pytest

from lms.catalog import gguf_facts
from lms.catalog.facts import Facts, Role
from lms.catalog.model import Quantization

from .files import LLAMA, write_gguf


def facts(tmp_path: Path, arch: str = "llama", **fields: Any) -> Facts:
    return gguf_facts.read(write_gguf(tmp_path / "model.gguf", arch, **fields))


def test_a_llama_tells_its_dimensions(tmp_path: Path) -> None:
    found = facts(tmp_path, name="Tiny Llama", tensors={"token_embd.weight": (32, 64), "output_norm.weight": (64,)})
    assert (found.arch, found.display_name, found.quantization) == ("llama", "Tiny Llama", Quantization("Q4_K_M", 4))
    assert (found.params, found.max_context_length) == (32 * 64 + 64, 4096)
    shape = found.shape
    assert (shape.n_layers, shape.n_embd, shape.n_head, shape.n_head_kv, shape.n_ff) == (2, 64, 4, 2, 128)
    assert (shape.key_dim, shape.value_dim, shape.kv_heads, shape.vocab_size) == (16, 16, 4, 32)


def test_a_hybrid_model_keeps_keys_only_in_its_attention_layers(tmp_path: Path) -> None:
    state = {"ssm.inner_size": 128, "ssm.state_size": 16, "ssm.conv_kernel": 4, "ssm.group_count": 1}
    dimensions = LLAMA | {"block_count": 4, "attention.head_count_kv": [0, 2, 0, 0]} | state
    shape = facts(tmp_path, "granitehybrid", dimensions=dimensions).shape
    assert shape.kv_heads == 2
    assert shape.recurrent_floats == 3 * (3 * (128 + 2 * 16) + 16 * 128)


@pytest.mark.parametrize(
    ("arch", "pattern", "sliding_layers"),
    [
        ("gemma3", {}, 10),
        ("gpt-oss", {}, 6),
        ("llama", {}, 0),
        ("gemma3n", {"attention.sliding_window_pattern": [True, True, False] * 4}, 8),
        ("other", {"attention.sliding_window_pattern": 4}, 9),
    ],
)
def test_sliding_layers_follow_the_pattern(
    tmp_path: Path, arch: str, pattern: dict[str, Any], sliding_layers: int
) -> None:
    dimensions = LLAMA | {"block_count": 12, "attention.sliding_window": 512} | pattern
    shape = facts(tmp_path, arch, dimensions=dimensions).shape
    assert (shape.kv_heads, shape.sliding_kv_heads) == (24, sliding_layers * 2)
    assert shape.sliding_window == (512 if sliding_layers else 0)


def test_latent_attention_stores_no_values(tmp_path: Path) -> None:
    latent = {"attention.head_count_kv": 1, "attention.key_length": 576, "attention.value_length": 512}
    shape = facts(tmp_path, "deepseek2", dimensions=LLAMA | latent | {"attention.key_length_mla": 192}).shape
    assert (shape.key_dim, shape.value_dim) == (576, 0)


@pytest.mark.parametrize("arch", ["bert", "nomic-bert", "jina-bert-v2", "t5encoder", "gemma-embedding"])
def test_encoders_are_embedding_models(tmp_path: Path, arch: str) -> None:
    assert facts(tmp_path, arch).embedding


def test_a_language_model_with_a_pooling_is_an_embedding_model(tmp_path: Path) -> None:
    assert facts(tmp_path, "qwen3", dimensions=LLAMA | {"pooling_type": 3}).embedding
    assert not facts(tmp_path, "qwen3").embedding


def test_tools_in_the_template_mean_tool_use(tmp_path: Path) -> None:
    assert facts(tmp_path, chat_template="{% if tools %}…{% endif %}").tool_use
    plain = facts(tmp_path, chat_template="{{ messages }} stools")
    assert plain.has_chat_template
    assert not plain.tool_use


def test_a_projector_and_an_adapter_are_no_models(tmp_path: Path) -> None:
    assert facts(tmp_path, "clip").role is Role.PROJECTOR
    assert facts(tmp_path, texts={"general.type": "mmproj"}).role is Role.PROJECTOR
    assert facts(tmp_path, texts={"general.type": "adapter"}).role is Role.OTHER


def test_a_size_label_is_taken_when_it_is_one(tmp_path: Path) -> None:
    assert facts(tmp_path, texts={"general.size_label": "30B-A3B"}).size_label == "30B-A3B"
    assert facts(tmp_path, texts={"general.size_label": "\x1b[31mbig"}).size_label is None


def test_names_with_escape_sequences_are_cleaned(tmp_path: Path) -> None:
    assert facts(tmp_path, name="\x1b[31mred\x07").display_name == "[31mred"
    assert facts(tmp_path, name="...").display_name is None


def test_a_cut_off_file_still_tells_what_it_is(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "model.gguf", "bert", tensors={"token_embd.weight": (32, 64)})
    path.write_bytes(path.read_bytes()[:-100])
    found = gguf_facts.read(path)
    assert found.damaged is not None
    assert found.damaged.startswith("The file is cut off")
    assert (found.arch, found.embedding) == ("bert", True)


def test_a_block_count_beyond_reason_costs_nothing(tmp_path: Path) -> None:
    assert facts(tmp_path, dimensions=LLAMA | {"block_count": 4_000_000_000}).shape.kv_heads == 2 * 1024
