"""What the catalog knows about a model on disk. Values only; nothing here reads a file."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from lms.errors import ModelDamaged

UNKNOWN_QUANTIZATION = "?"


class Kind(StrEnum):
    """What a model is for. The REST API v0 prints `embedding` in the plural."""

    LLM = "llm"
    VLM = "vlm"
    EMBEDDING = "embedding"


class Format(StrEnum):
    """How a model is stored. `lms ls --json` prints `mlx` as `safetensors`."""

    GGUF = "gguf"
    MLX = "mlx"


class Quantization(msgspec.Struct, frozen=True):
    """How weights are packed: a name as people write it (`Q4_K_M`, `4bit`, `BF16`) and whole bits per weight."""

    name: str
    bits: int

    @classmethod
    def named(cls, name: str) -> "Quantization":
        """The bits are the first number in the name; 0 when it has none."""
        digits = re.search(r"\d+", name)
        return cls(name, int(digits.group()) if digits else 0)


class Reasoning(msgspec.Struct, frozen=True):
    """What a model's reasoning can be set to (`off`, `on`, an effort), and what it is if nobody says."""

    options: tuple[str, ...]
    default: str


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """The dimensions that memory depends on; 0 where the header does not say.

    `kv_heads` is the sum of key/value heads over all layers, of which `sliding_kv_heads` sit in layers that only see
    the last `sliding_window` tokens. `recurrent_floats` is what one sequence keeps in state-space layers.
    """

    n_layers: int = 0
    n_embd: int = 0
    n_ff: int = 0
    n_head: int = 0
    n_head_kv: int = 0
    key_dim: int = 0
    value_dim: int = 0
    vocab_size: int = 0
    n_experts: int = 0
    n_experts_used: int = 0
    kv_heads: int = 0
    sliding_kv_heads: int = 0
    sliding_window: int = 0
    recurrent_floats: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the catalog: a model, or one of its variants when `key` ends in `@quantization`.

    `path` is what an engine opens: a GGUF file (the first of its shards) or an MLX folder. `files` are all files of the
    model, a vision projector included; `size_bytes` is their sum. `max_context_length` is 0 when the header does not
    say. `vocabulary` is the same for models whose token ids mean the same, empty when that is not known. `variants` are
    the keys of all quantizations, empty when there is one; `selected_variant` is the one among them that this entry
    stands for. A model with a `damaged` reason is listed and cannot be loaded. One that is used `in_place` lies in a
    folder that is somebody else's.
    """

    key: str
    publisher: str
    display_name: str
    kind: Kind
    format: Format
    arch: str | None
    quantization: Quantization | None
    size_bytes: int
    params: int | None
    params_label: str | None
    max_context_length: int
    path: Path
    relative_path: str
    files: tuple[Path, ...]
    projector: Path | None
    vision: bool
    tool_use: bool
    has_chat_template: bool
    reasoning: Reasoning | None
    bundled: bool
    modified_s: float
    shape: Shape
    vocabulary: str = ""
    variants: tuple[str, ...] = ()
    selected_variant: str | None = None
    damaged: str | None = None
    in_place: bool = False

    @property
    def variant_key(self) -> str:
        """The key with the quantization behind it, in lower case: `qwen3-4b@q4_k_m`, `@?` when unknown."""
        return with_quantization(self.key.partition("@")[0], self.quantization)

    def require_sound(self) -> None:
        """Raise ModelDamaged, with the reason, when the files are no whole model."""
        if self.damaged:
            raise ModelDamaged(
                f"“{self.key}” cannot be loaded. {self.damaged}",
                hint=f"Download it again, or delete {self.path}.",
            )


def with_quantization(key: str, quantization: Quantization | None) -> str:
    """`key@q4_k_m`."""
    return f"{key}@{quantization.name.lower() if quantization else UNKNOWN_QUANTIZATION}"
