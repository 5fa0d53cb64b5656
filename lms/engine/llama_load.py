"""Brings a model file into memory, for whatever llama.cpp is to do with it."""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

from collections.abc import Callable

import llama_cpp.llama_cpp as C

from lms.errors import EngineFailed


def load(path: str, params: C.llama_model_params, on_progress: Callable[[float], None]) -> C.llama_model_p:
    """The model in that file. Raises EngineFailed when llama.cpp refuses it."""
    C.llama_backend_init()

    def progress(fraction: float, _user_data: object) -> bool:
        on_progress(fraction)
        return True

    params.progress_callback = C.llama_progress_callback(progress)
    model: C.llama_model_p | None = C.llama_model_load_from_file(path.encode(), params)
    if not model:
        raise EngineFailed(
            f"llama.cpp could not load {path}.",
            hint="`lms log stream --source runtime` shows why; the file may be damaged or of an unknown architecture.",
        )
    return model
