"""Where a loaded model keeps what its memory has no room for: as its load config says, in RAM, on disk behind it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from lms.catalog.identity import prompt_folder
from lms.engine.protocol import EngineSpec
from lms.engine.state_files import StateFiles
from lms.engine.state_key import Setting, state_key
from lms.engine.states import StateStore
from lms.logbus.records import Level

MIB = 2**20

Say = Callable[[Level, str], None]


def open_store(spec: EngineSpec, settings: Mapping[str, Setting], say: Say, *, divisible: bool) -> StateStore:
    """The store of the model that `spec` loads. A disk that cannot be used is said, and done without.

    settings: whatever else decides what the bytes of a state mean (`Model.state_settings`)
    divisible: as `StateIndex`
    """
    files = None
    if spec.config.prompt_cache_disk_mb and spec.prompt_cache_folder:
        try:
            files = _open_files(spec, settings, say, divisible=divisible)
        except OSError as error:
            say("warn", f"Prompts are not kept on disk: {error}.")
    return StateStore(spec.prompt_cache_bytes, files, divisible=divisible)


def _open_files(spec: EngineSpec, settings: Mapping[str, Setting], say: Say, *, divisible: bool) -> StateFiles:
    folder = prompt_folder(Path(spec.prompt_cache_folder), Path(spec.model_path))
    limit_bytes = spec.config.prompt_cache_disk_mb * MIB
    return StateFiles(folder, limit_bytes, state_key(settings), say, divisible=divisible)
