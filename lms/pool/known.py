"""What the pool needs to know about models on disk. `rows.py` answers it from the catalog, tests from a list."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lms.client.control import ModelRow
from lms.config.load import LoadConfig
from lms.errors import ModelDamaged, Unsupported


@dataclass(frozen=True)
class Known:
    """A model on disk: what is shown of it, the file that an engine opens, and how many layers it has.

    `vocabulary` is the same for models whose token ids mean the same, empty when that is not known. `has_state` says
    that it sums up what it has read, wholly or in part. `projector` is the file that makes it see.
    """

    row: ModelRow
    file: Path
    layers: int = 0
    vocabulary: str = ""
    has_state: bool = False
    projector: Path | None = None

    def require_loadable(self) -> None:
        """Raise ModelDamaged or Unsupported when no engine of this version can load it."""
        if self.row.damaged:
            raise ModelDamaged(
                f"“{self.row.key}” cannot be loaded. {self.row.damaged}",
                hint=f"Download it again, or delete {self.file}.",
            )
        if self.row.format == "mlx":
            raise Unsupported(
                f"“{self.row.key}” is an MLX model, which this version lists but cannot load.",
                hint="Load the GGUF form of the model.",
            )


@dataclass(frozen=True)
class Need:
    """Bytes that a load takes, and what they were computed for.

    That is the context length, and the tokens of memory (`cells`; 0 means one context) that all sequences share, if it
    is `unified`. The prompt cache is what finished prompts may take at most. `gpu_bytes` of it all are on the
    accelerator, as far as a `gpu_ratio` was asked for. `engine_bytes` any engine takes, whatever it loads.
    """

    context_length: int
    weights_bytes: int
    context_bytes: int
    compute_bytes: int
    unified: bool = True
    cells: int = 0
    prompt_cache_bytes: int = 0
    gpu_bytes: int = 0
    engine_bytes: int = 0

    @property
    def model_bytes(self) -> int:
        """What the model takes of it, wherever it is loaded."""
        return self.weights_bytes + self.context_bytes + self.compute_bytes + self.prompt_cache_bytes

    @property
    def total_bytes(self) -> int:
        return self.model_bytes + self.engine_bytes


class Models(Protocol):
    """The models on disk. Safe to call from any thread; may read the disk."""

    def all(self) -> list[Known]:
        """One entry per key, sorted by key."""

    def resolve(self, typed: str, fuzzy: bool = False) -> Known:
        """What `typed` means. Raises ModelNotFound or AmbiguousModel; a damaged model is returned like any other."""

    def need(self, known: Known, config: LoadConfig) -> Need:
        """The memory that loading it so would take. An estimate: the engine reports what it really took."""
