"""What an MLX folder tells about its model: `config.json`, the tokenizer's configuration and the tensors' headers.

Source of the packing: MLX's `mlx.core.quantize`. A packed weight `x.weight` comes with `x.scales`, one per group of
`group_size` weights, so the number of weights is `scales × group_size` whatever the bits. Any folder of Hugging Face
safetensors counts as MLX, as MLX loads it.
"""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import msgspec

from lms.catalog import safetensors
from lms.catalog.facts import EMBEDDING_ARCHS, Facts, clean_name, mentions_tools
from lms.catalog.model import Quantization, Shape
from lms.catalog.reasoning import reasoning
from lms.errors import ModelDamaged

CONFIG_NAME = "config.json"
INDEX_NAME = "model.safetensors.index.json"
TOKENIZER_NAMES = ("tokenizer_config.json", "chat_template.json", "chat_template.jinja")
MAX_JSON_BYTES = 16 << 20
DEFAULT_GROUP_SIZE = 64
_PLAIN_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8}

Config = Mapping[str, Any]


def read(folder: Path) -> Facts:
    """The facts of the model in `folder`; a folder that holds no whole model gives the reason. Raises OSError."""
    try:
        config = read_config(folder)
        return facts(config, read_chat_template(folder), _tensors(folder))
    except ModelDamaged as error:
        return Facts(damaged=error.message)


def facts(config: Config, chat_template: str, tensors: Mapping[str, safetensors.Tensor]) -> Facts:
    """The facts in a folder's configuration, chat template (empty when it has none) and tensors."""
    arch = clean_name(_text(config, "model_type"))
    if arch is None:
        return Facts(damaged="config.json names no model_type.")
    language = _part(config, "text_config") or config
    return Facts(
        arch=arch,
        quantization=_quantization(config, tensors),
        params=_params(config, tensors),
        max_context_length=_integer(language, "max_position_embeddings") or _integer(language, "n_positions"),
        embedding=arch in EMBEDDING_ARCHS,
        vision=bool(_part(config, "vision_config")),
        tool_use=mentions_tools(chat_template),
        has_chat_template=bool(chat_template),
        reasoning=reasoning(chat_template),
        shape=_shape(language, config),
    )


def _tensors(folder: Path) -> dict[str, safetensors.Tensor]:
    """All tensors by name: of the files in the index, if there is one, else of every file."""
    present = {path.name: path for path in folder.glob("*.safetensors") if path.is_file()}
    wanted = _indexed_files(folder) or present.keys()
    missing = sorted(wanted - present.keys())
    if missing:
        raise ModelDamaged(f"{len(missing)} of its weight files are missing, the first is {missing[0]}.")
    found: dict[str, safetensors.Tensor] = {}
    for path in (present[name] for name in sorted(wanted)):
        try:
            found |= safetensors.read(path)
        except ModelDamaged as error:
            raise ModelDamaged(f"{path.name}: {error.message}") from error
    return found


def _indexed_files(folder: Path) -> set[str]:
    if not (folder / INDEX_NAME).is_file():
        return set()
    weight_map = _part(_object(folder / INDEX_NAME), "weight_map")
    return {clean_name(name) or "?" for name in weight_map.values() if isinstance(name, str)}


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json`. Raises ModelDamaged, or OSError."""
    return _object(folder / CONFIG_NAME)


def read_chat_template(folder: Path) -> str:
    """Empty when there is none. Raises ModelDamaged, or OSError."""
    for name in TOKENIZER_NAMES:
        path = folder / name
        if not path.is_file():
            continue
        template = _bytes(path).decode("utf-8", "replace") if path.suffix == ".jinja" else _template_of(_object(path))
        if template:
            return template
    return ""


def _template_of(tokenizer: Config) -> str:
    """A template is one text, or a list of named ones."""
    match tokenizer.get("chat_template"):
        case str(template):
            return template
        case list(named):
            return "\n".join(_text(one, "template") for one in named if isinstance(one, dict))
        case _:
            return ""


def _quantization(config: Config, tensors: Mapping[str, safetensors.Tensor]) -> Quantization | None:
    if bits := _integer(_packing(config), "bits"):
        return Quantization(f"{bits}bit", bits)
    weights: dict[str, int] = {}
    for tensor in tensors.values():
        weights[tensor.dtype] = weights.get(tensor.dtype, 0) + prod(tensor.shape)
    dtype = max(weights, key=lambda dtype: weights[dtype], default="")
    return Quantization(dtype, _PLAIN_BITS[dtype]) if dtype in _PLAIN_BITS else None


def _packing(config: Config) -> Config:
    return _part(config, "quantization") or _part(config, "quantization_config")


def _params(config: Config, tensors: Mapping[str, safetensors.Tensor]) -> int:
    packing = _packing(config)
    total = 0
    for name, tensor in tensors.items():
        module, _, role = name.rpartition(".")
        if f"{module}.scales" not in tensors:
            total += prod(tensor.shape)
        elif role == "scales":
            own = _part(packing, module)
            group_size = _integer(own, "group_size") or _integer(packing, "group_size") or DEFAULT_GROUP_SIZE
            total += prod(tensor.shape) * group_size
    return total


def _shape(language: Config, config: Config) -> Shape:
    def number(*names: str) -> int:
        return next((value for name in names if (value := _integer(language, name))), 0)

    n_layers, n_embd, n_head = number("num_hidden_layers", "n_layer"), number("hidden_size", "n_embd"), _heads(language)
    n_head_kv = number("num_key_value_heads") or n_head
    head_dim = number("head_dim") or (n_embd // n_head if n_head else 0)
    latent = number("kv_lora_rank")
    attention_layers, sliding_layers = _attention_layers(language, n_layers)
    n_head_kv = 1 if latent else n_head_kv
    return Shape(
        n_layers=n_layers,
        n_embd=n_embd,
        n_ff=number("intermediate_size", "moe_intermediate_size"),
        n_head=n_head,
        n_head_kv=n_head_kv,
        key_dim=latent + number("qk_rope_head_dim") if latent else head_dim,
        value_dim=0 if latent else head_dim,
        vocab_size=number("vocab_size") or _integer(config, "vocab_size"),
        n_experts=number("num_experts", "num_local_experts", "n_routed_experts"),
        n_experts_used=number("num_experts_per_tok"),
        kv_heads=n_head_kv * attention_layers,
        sliding_kv_heads=n_head_kv * sliding_layers,
        sliding_window=number("sliding_window") if sliding_layers else 0,
    )


def _heads(language: Config) -> int:
    return _integer(language, "num_attention_heads") or _integer(language, "n_head")


def _attention_layers(language: Config, n_layers: int) -> tuple[int, int]:
    """How many layers keep keys and values, and how many of those only for a window, after `layer_types`."""
    match language.get("layer_types"):
        case list(types) if types:
            sliding = types.count("sliding_attention")
            return types.count("full_attention") + sliding, sliding
        case _:
            return n_layers, 0


def _object(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_bytes(path), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as reason:
        raise ModelDamaged(f"{path.name} is no JSON object.") from reason


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_JSON_BYTES + 1)
    if len(content) > MAX_JSON_BYTES:
        raise ModelDamaged(f"{path.name} is longer than {MAX_JSON_BYTES:,} bytes.")
    return content


def _text(fields: Config, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _integer(fields: Config, name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else 0


def _part(fields: Config, name: str) -> dict[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}
