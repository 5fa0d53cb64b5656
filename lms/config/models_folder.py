"""The models folder: `LMS_MODELS_DIR` over the server's setting `models_dir` over where it is by default."""

import os
from collections.abc import Mapping
from pathlib import Path

from lms.errors import UsageError
from lms.paths import Home, default_models_dir

VARIABLE = "LMS_MODELS_DIR"


def models_dir(home: Home, environ: Mapping[str, str] = os.environ) -> Path:
    """The models folder, absolute, whether it is there or not. Raises UsageError where the setting is wrong."""
    typed = environ.get(VARIABLE) or _set(home.settings)
    return Path(typed).expanduser().absolute() if typed else default_models_dir(home)


def require_absolute(typed: str) -> None:
    """Raises ValueError for a path that would be another one in another folder."""
    if not typed.startswith(("/", "~/")) or "\0" in typed:
        raise ValueError(f"“{typed}” is no absolute path: begin it with / or ~/")


def require_folder(typed: str) -> None:
    """Raises UsageError unless there is such a folder, or one to make it in."""
    folder = Path(typed).expanduser()
    if folder.is_dir() or (folder.parent.is_dir() and not os.path.lexists(folder)):
        return
    if os.path.lexists(folder):
        raise UsageError(f"{folder} is no folder.", hint="Name the folder that models are to lie in.")
    raise UsageError(f"There is no {folder.parent} to hold {folder.name}.", hint=f"First: mkdir -p {folder.parent}")


def _set(settings_file: Path) -> str | None:
    """The setting, without the import that reading it takes where nothing is set: people wait for completions."""
    if not settings_file.exists():
        return None
    from lms.config import settings

    return settings.stored_models_dir(settings_file)
