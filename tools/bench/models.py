"""Models to measure with: real shapes and tokenizers, random weights. As fast and as large as the real thing; what they
say has no sense, but it is words, so that its text has the tokens that it was made of.

They are made once, into `build/bench-models`, which is laid out as a models folder.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import llama_cpp

from tools.bench import peer, weights

FOLDER = Path("build/bench-models")
PUBLISHER = "bench"
LLAMA_FTYPE_MOSTLY_Q4_0 = 2


@dataclass(frozen=True)
class BenchModel:
    """A model of this module. `write` makes the F16 file from a vocabulary that llama.cpp's source holds."""

    name: str
    quantization: str
    vocabulary: str
    write: Callable[[Path, Path], None]

    @property
    def path(self) -> Path:
        return FOLDER.absolute() / PUBLISHER / self.name / f"{self.name}-{self.quantization}.gguf"

    def made(self) -> Path:
        """The file, made now if it is not there: some 30 s for half a billion weights."""
        if not self.path.exists():
            print(f"Making {self.path.relative_to(Path.cwd())} …", flush=True)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(".part")
            self.write(draft, peer.vocabulary(self.vocabulary))
            if self.quantization == "Q4_0":
                draft = _quantized(draft)
            draft.rename(self.path)
        return self.path


QWEN = BenchModel("qwen2-0.5b-random", "Q4_0", "qwen2", weights.write_qwen)
COPYING = BenchModel("qwen2-0.5b-copying", "Q4_0", "qwen2", weights.write_copying)
SMALLEST = BenchModel("llama-260k-random", "F16", "llama-spm", weights.write_smallest)
BERT = BenchModel("bert-22m-random", "F16", "bert-bge", weights.write_bert)


def _quantized(file: Path) -> Path:
    """`file` as Q4_0, in its place. Raises RuntimeError when llama.cpp cannot."""
    out = file.with_suffix(".quantized")
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = LLAMA_FTYPE_MOSTLY_Q4_0
    silent = llama_cpp.llama_log_callback(lambda level, text, user_data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    failed = llama_cpp.llama_model_quantize(bytes(file), bytes(out), ctypes.byref(parameters))
    llama_cpp.llama_log_set(llama_cpp.llama_log_callback(0), ctypes.c_void_p(0))
    file.unlink()
    if failed:
        raise RuntimeError(f"llama.cpp could not quantize {file}.")
    return out
