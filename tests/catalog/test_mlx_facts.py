import json
from pathlib import Path

from lms.catalog import mlx_facts
from lms.catalog.model import Quantization

from .files import MLX_CONFIG, MLX_TENSORS, write_mlx, write_safetensors


def test_packed_weights_count_as_what_they_unpack_to(tmp_path: Path) -> None:
    found = mlx_facts.read(write_mlx(tmp_path))
    assert (found.arch, found.quantization) == ("qwen2", Quantization("4bit", 4))
    assert found.params == 100 * 64 + 64
    assert (found.shape.n_layers, found.shape.kv_heads, found.shape.key_dim) == (2, 4, 16)
    assert found.max_context_length == 32768


def test_a_weight_with_its_own_group_size_is_counted_by_it(tmp_path: Path) -> None:
    own = {"group_size": 64, "bits": 4, "model.embed_tokens": {"group_size": 32, "bits": 8}}
    tensors = dict(MLX_TENSORS) | {"model.embed_tokens.scales": ("F16", (100, 2))}
    assert mlx_facts.read(write_mlx(tmp_path, dict(MLX_CONFIG) | {"quantization": own}, tensors)).params == 6464


def test_plain_weights_are_named_by_their_type(tmp_path: Path) -> None:
    config = {key: value for key, value in MLX_CONFIG.items() if key != "quantization"}
    found = mlx_facts.read(write_mlx(tmp_path, config, {"a.weight": ("BF16", (10, 10)), "b": ("F32", (3,))}))
    assert found.quantization == Quantization("BF16", 16)


def test_a_vision_model_keeps_its_dimensions_one_level_down(tmp_path: Path) -> None:
    config = {"model_type": "qwen2_vl", "vision_config": {"depth": 1}, "text_config": dict(MLX_CONFIG)}
    found = mlx_facts.read(write_mlx(tmp_path, config))
    assert (found.arch, found.vision, found.max_context_length) == ("qwen2_vl", True, 32768)


def test_chat_templates_are_found_in_all_their_places(tmp_path: Path) -> None:
    assert mlx_facts.read(write_mlx(tmp_path / "a", chat_template="{{ tools }}")).tool_use
    folder = write_mlx(tmp_path / "b")
    assert not mlx_facts.read(folder).has_chat_template
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": [{"name": "x", "template": "tools"}]}))
    assert mlx_facts.read(folder).tool_use
    (folder / "tokenizer_config.json").unlink()
    (folder / "chat_template.jinja").write_text("hello")
    assert mlx_facts.read(folder).has_chat_template


def test_a_missing_weight_file_is_named(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (write_mlx(tmp_path) / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-2.safetensors" in (mlx_facts.read(tmp_path).damaged or "")


def test_damage_has_a_reason_and_never_an_exception(tmp_path: Path) -> None:
    folder = write_mlx(tmp_path)
    for content, expected in [
        ("{", "no JSON object"),
        ("[]", "no JSON object"),
        ("{}", "model_type"),
        ("[" * 9999, "no JSON"),
    ]:
        (folder / "config.json").write_text(content)
        assert expected in (mlx_facts.read(folder).damaged or "")
    (folder / "config.json").write_text(json.dumps(dict(MLX_CONFIG)))
    write_safetensors(folder / "model.safetensors", MLX_TENSORS).write_bytes(b"short")
    assert "model.safetensors" in (mlx_facts.read(folder).damaged or "")


def test_wrong_types_in_the_configuration_count_as_absent(tmp_path: Path) -> None:
    config = {"model_type": "x", "hidden_size": "big", "text_config": [], "quantization": 4, "layer_types": {"a": 1}}
    found = mlx_facts.read(write_mlx(tmp_path, config))
    assert (found.damaged, found.shape.n_embd) == (None, 0)


def test_weights_outside_the_index_are_not_counted(tmp_path: Path) -> None:
    folder = write_mlx(tmp_path)
    write_safetensors(folder / "consolidated.safetensors", {"again": ("F16", (1000, 1000))})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model.safetensors"}}))
    assert mlx_facts.read(folder).params == 6464
