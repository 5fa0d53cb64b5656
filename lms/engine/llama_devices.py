"""What llama.cpp finds in this machine: devices with memory of their own, and instructions of the processor.

llama-cpp-python has no names for this part of ggml, whose functions are in the library all the same (ggml-backend.h).
"""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import llama_cpp.llama_cpp as C

from lms.engine.protocol import Device

# enum ggml_backend_dev_type
GPU = 1
INTEGRATED_GPU = 2

# Stand among the instructions, and say how llama.cpp was built.
_NO_INSTRUCTIONS = ("LLAMAFILE", "OPENMP", "REPACK", "ACCELERATE", "KLEIDIAI")


def devices() -> tuple[Device, ...]:
    """GPUs, in the order that llama.cpp fills them."""
    C.llama_backend_init()
    return tuple(_devices())


def features() -> tuple[str, ...]:
    """Instructions of the processor, from a line like `CPU : SSE3 = 1 | AVX2 = 1 | LLAMAFILE = 1 | `."""
    _, _, listed = C.llama_print_system_info().decode().partition("CPU : ")
    pairs = [entry.split(" = ") for entry in listed.split(" | ") if " = " in entry]
    return tuple(name.strip() for name, value in pairs if value != "0" and name.strip() not in _NO_INSTRUCTIONS)


def _devices() -> Iterator[Device]:
    for number in range(_function("ggml_backend_dev_count", ctypes.c_size_t)()):
        device = _function("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)(number)
        kind = _function("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)(device)
        if kind in (GPU, INTEGRATED_GPU):
            free_bytes, total_bytes = _memory(device)
            name, library = _text("ggml_backend_dev_description", device), _library(device)
            yield Device(name, library, kind == INTEGRATED_GPU, total_bytes, free_bytes)


def _memory(device: int) -> tuple[int, int]:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    to_sizes = [ctypes.POINTER(ctypes.c_size_t)] * 2
    _function("ggml_backend_dev_memory", None, ctypes.c_void_p, *to_sizes)(device, free, total)
    return free.value, total.value


def _library(device: int) -> str:
    registry = _function("ggml_backend_dev_backend_reg", ctypes.c_void_p, ctypes.c_void_p)(device)
    return _text("ggml_backend_reg_name", registry)


def _text(name: str, owner: int) -> str:
    return bytes(_function(name, ctypes.c_char_p, ctypes.c_void_p)(owner) or b"").decode(errors="replace")


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return ctypes.CFUNCTYPE(result, *arguments)((name, C._lib))
