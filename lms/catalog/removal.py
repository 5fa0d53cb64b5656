"""Deletes models: their files, what came with them, and the folders that this leaves empty.

Only below the models folder: a link there is deleted, and never what it leads to.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lms.catalog.identity import prompt_folder
from lms.catalog.listing import Listing
from lms.catalog.model import Format, Model
from lms.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be deleted. `folders` hold prompts that were kept for the models. `size_bytes` is what that frees: a
    link has next to nothing to give.
    """

    models: tuple[Model, ...]
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    size_bytes: int


def plan(models: Sequence[Model], listing: Listing, models_dir: Path, prompt_cache: Path) -> Removal:
    """How to delete these `models` of the `listing`, and what is in the `prompt_cache` for them; a projector that
    another model needs stays.

    Raises Unsupported for a model that is not ours to delete.
    """
    for model in models:
        _require_ours(model, listing.shown_key(model))
    going = {model.path for model in models}
    staying = {file for model in listing.every_variant() if model.path not in going for file in model.files}
    going_files = {file for model in models for file in _files(model)} - staying
    cut_off = {partial for file in going_files if (partial := partial_copy(file)).exists()}
    files = sorted(going_files | cut_off)
    for file in files:
        _require_inside(file, models_dir)
    folders = _prompt_folders(models, prompt_cache)
    kept = [file for folder in folders for file in folder.iterdir()]
    return Removal(tuple(models), tuple(files), folders, sum(_size_bytes(file) for file in (*files, *kept)))


def perform(removal: Removal, models_dir: Path) -> None:
    """Delete the files, then every folder above them that is empty, up to the models folder. Raises OSError.

    Prompts that cannot be deleted are in nobody's way: the cache of another model makes no use of them.
    """
    for file in removal.files:
        file.unlink(missing_ok=True)
    for folder in removal.folders:
        shutil.rmtree(folder, ignore_errors=True)
    for file in removal.files:
        remove_if_empty(file.parent, models_dir)


def partial_copy(file: Path) -> Path:
    """Where a file is written that is to be at `file` once it is whole: hidden, so that the catalog does not see it."""
    return file.with_name(f".{file.name}.part")


def remove_if_empty(folder: Path, below: Path) -> None:
    """Delete `folder` and those above it, as far as they are empty, no links, and lie below `below`."""
    with suppress(OSError):
        while below in folder.parents:
            folder.rmdir()
            folder = folder.parent


def _require_ours(model: Model, key: str) -> None:
    if model.bundled:
        raise Unsupported(f"“{key}” is part of lms itself.", hint="It goes when lms is uninstalled.")
    if model.in_place:
        raise Unsupported(
            f"“{key}” belongs to another program: it lies in {model.path.parent}.",
            hint="Delete it there, or lms import --forget DIR to list that folder no more.",
        )


def _files(model: Model) -> Iterable[Path]:
    """An MLX model is its folder, licence and notes included."""
    if model.format is not Format.MLX:
        return model.files
    return [file for file in model.path.iterdir() if file.is_symlink() or not file.is_dir()]


def _prompt_folders(models: Iterable[Model], prompt_cache: Path) -> tuple[Path, ...]:
    """Those that are there. Nothing is read of the models where no prompts are kept."""
    if not prompt_cache.is_dir():
        return ()
    folders = set()
    for model in models:
        if model.format is Format.GGUF:
            with suppress(OSError):
                folders.add(prompt_folder(prompt_cache, model.path))
    return tuple(sorted(folder for folder in folders if folder.is_dir()))


def _require_inside(file: Path, models_dir: Path) -> None:
    real = os.path.realpath(file.parent)
    if not Path(real).is_relative_to(os.path.realpath(models_dir)):
        raise Unsupported(
            f"{file} is not in the models folder: a link leads to {real}.", hint="Delete the link, or the model there."
        )


def _size_bytes(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0
