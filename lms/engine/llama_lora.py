"""Adapters (LoRA) on a llama.cpp context. They belong to the model, and are freed with it."""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as C

from lms.config.load import Lora
from lms.errors import EngineFailed


def adapt(context: C.llama_context_p, model: C.llama_model_p, loras: Sequence[Lora]) -> None:
    """Put `loras` on `context`. Raises EngineFailed naming the one that is no adapter of this model."""
    if not loras:
        return
    adapters = (C.llama_adapter_lora_p_ctypes * len(loras))(*[_adapter(model, lora) for lora in loras])
    scales = (ctypes.c_float * len(loras))(*[lora.scale for lora in loras])
    if C.llama_set_adapters_lora(context, adapters, len(loras), scales):
        raise EngineFailed("llama.cpp refused the LoRA adapters.", hint="`lms log stream --source runtime` shows why.")


def _adapter(model: C.llama_model_p, lora: Lora) -> Any:
    adapter = C.llama_adapter_lora_init(model, lora.path.encode())
    if not adapter:
        raise EngineFailed(
            f"{lora.path} is no LoRA adapter of this model.",
            hint="It must be a GGUF file made from an adapter of the same model; "
            "`lms log stream --source runtime` shows what llama.cpp says of it.",
        )
    return adapter
