"""Deletes models: their files, what came with them, and the folders that this leaves empty.

Only below the models folder: a link there is deleted, and never what it leads to.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lms.catalog.listing import Listing
from lms.catalog.model import Format, Model
from lms.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be deleted. `size_bytes` is what that frees: a link has next to nothing to give."""

    models: tuple[Model, ...]
    files: tuple[Path, ...]
    size_bytes: int


def plan(models: Sequence[Model], listing: Listing, models_dir: Path) -> Removal:
    """How to delete these `models` of the `listing`; a projector that another model needs stays.

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
    return Removal(tuple(models), tuple(files), sum(_size_bytes(file) for file in files))


def perform(removal: Removal, models_dir: Path) -> None:
    """Delete the files, then every folder above them that is empty, up to the models folder. Raises OSError."""
    for file in removal.files:
        file.unlink(missing_ok=True)
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
