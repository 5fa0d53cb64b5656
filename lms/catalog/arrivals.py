"""What models lie at a path that is no part of the models folder, checked before anybody touches them."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lms.catalog import keys, layout, unnamed
from lms.catalog.catalog import read
from lms.catalog.facts import Facts, Role
from lms.catalog.layout import Candidate
from lms.catalog.model import Format
from lms.catalog.quantization import without_token
from lms.errors import ModelDamaged, ModelNotFound, UsageError

# Quantizations often lie in a folder each; what is deeper down is a folder of repos, not a repo.
FOLDERS_BELOW = 1
MAX_NAME_LETTERS = 100
LM_STUDIO_HOMES = (".lmstudio", "lm-studio")
_SOMEBODYS = ("somebody", "something")
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff<>:"\\|?*/]|^[. ]|[. ]$|^(?:models|datasets|spaces)--')


@dataclass(frozen=True, slots=True)
class Arrival:
    """Models that make up one repo. `files` are where they lie and what they are called below the repo's folder;
    `models` is what each model is called there, empty for one that is the folder itself. Of `projectors` beside them
    it cannot be told whether they belong to them. `publisher` and `repo` are where they seem to come from. Where that
    is not known, the hub may know the file `weights`; several different models together have none.
    """

    files: tuple[tuple[Path, str], ...]
    models: tuple[str, ...]
    repo: str
    publisher: str | None = None
    projectors: tuple[Path, ...] = ()
    weights: Path | None = None


def find(path: Path, repo: str | None = None) -> Arrival:
    """The models at the absolute `path`: a GGUF file with its other shards and its projector, or a folder.

    repo: what to call a file by that is not called like a model, where its header does not say

    Raises UsageError, ModelNotFound, and ModelDamaged when one of them is not whole.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist." if not path.is_symlink() else f"{path} is a link to nowhere.")
    if path.is_file() and path.suffix.lower() != ".gguf" and unnamed.is_gguf(path):
        return _unnamed(path, repo)
    path = layout.hub_snapshot(path) or path
    base = path if path.is_dir() else path.parent
    there = [*_read(layout.walk_repo(base, _SOMEBODYS, FOLDERS_BELOW if path.is_dir() else 0))]
    meant = there if path.is_dir() else _one(path, there)
    for candidate, facts in meant:
        if facts.damaged:
            raise ModelDamaged(f"{candidate.path} is no whole model. {facts.damaged}", hint="Nothing was touched.")
    models = [candidate for candidate, facts in meant if facts.role is Role.MODEL]
    projectors = [candidate for candidate, facts in there if facts.role is Role.PROJECTOR and not facts.damaged]
    alone = [candidate for candidate in projectors if not models and candidate.path == str(path)]
    theirs = projectors if models and (path.is_dir() or _are_of_one_family(there)) else []
    ours = theirs or alone
    if not models and not alone:
        raise _nothing(path)
    mixed = path.is_dir() and bool(models) and not _are_of_one_family(meant)
    publisher, repo = _origin(path) or (None, fit(path.name) if mixed else _repo_name(models or ours))
    return Arrival(
        files=tuple(dict.fromkeys(each for candidate in (*models, *ours) for each in _files(candidate, base))),
        models=tuple(_below(candidate, base) for candidate in models),
        repo=repo,
        publisher=publisher,
        projectors=tuple(Path(candidate.path) for candidate in projectors if models and candidate not in ours),
        weights=None if publisher or mixed else _weights((models or ours)[0]),
    )


def home(typed: str) -> tuple[str, str]:
    """Publisher and repo out of `publisher/repo`. Raises UsageError when they cannot be names of folders."""
    names = [name.strip() for name in typed.split("/")]
    if len(names) != 2 or not all(name and len(name) <= MAX_NAME_LETTERS and not _UNFIT.search(name) for name in names):
        raise UsageError(f"“{typed}” is no publisher/repo.", hint="Two names with a slash between, as lmstudio/mine.")
    return names[0], names[1]


def fit(name: str) -> str:
    """`name` without what the name of a folder must not have, for a proposal."""
    return _UNFIT.sub("-", name)[:MAX_NAME_LETTERS].strip("-. ") or "unknown"


def _unnamed(path: Path, repo: str | None) -> Arrival:
    """The hub is not asked for it: it knows files by their names."""
    facts, told = unnamed.read(path)
    if facts.role is Role.OTHER:
        raise _nothing(path)
    name = told or repo
    if name is None:
        raise UsageError(
            f"{path.name} is a GGUF file, but neither its name nor its header says of which model.",
            hint="Say so: --user-repo user/repo",
        )
    file_name = unnamed.file_name(facts, fit(name))
    origin = _origin(path) or (None, fit(name))
    models = (file_name,) if facts.role is Role.MODEL else ()
    return Arrival(((path, file_name),), models, repo=origin[1], publisher=origin[0])


def _read(folders: Iterable[layout.Folder]) -> Iterator[tuple[Candidate, Facts]]:
    for folder in folders:
        for candidate in layout.candidates(folder):
            yield candidate, read(candidate)


def _one(path: Path, there: Sequence[tuple[Candidate, Facts]]) -> list[tuple[Candidate, Facts]]:
    """The model that the file is, or is a shard of."""
    if path.suffix.lower() != ".gguf":
        raise UsageError(
            f"{path.name} is not called like a model.", hint="GGUF files end in .gguf; of an MLX model give the folder."
        )
    found = [each for each in there if path.name in {file.name for file in each[0].files} and _is_gguf(each[0])]
    if not found:
        raise _nothing(path)
    return found


def _nothing(path: Path) -> ModelNotFound:
    return ModelNotFound(
        f"There is no model in {path}." if path.is_dir() else f"{path} is no model, or still being written.",
        hint="A folder of publisher/repo folders, or a cache of the hub, can be used as it is: lms import --in-place.",
    )


def _is_gguf(candidate: Candidate) -> bool:
    return candidate.format is Format.GGUF


def _are_of_one_family(there: Iterable[tuple[Candidate, Facts]]) -> bool:
    """Whether all models of the folder are quantizations of one, so that a projector beside them is theirs."""
    models = (candidate for candidate, facts in there if facts.role is Role.MODEL)
    return len({keys.plain(without_token(candidate.name).lower()) for candidate in models}) == 1


def _origin(path: Path) -> tuple[str, str] | None:
    """Publisher and repo out of the path, in a cache of the hub or in LM Studio's models folder."""
    for folder in (path, *path.parents):
        if found := layout.hub_repo(folder.name):
            return found
        *_, home, models, publisher, repo = ("", "", "", "", *folder.parts)
        if models == "models" and home in LM_STUDIO_HOMES:
            return publisher, repo
    return None


def _repo_name(candidates: Sequence[Candidate]) -> str:
    first = candidates[0]
    if first.format is Format.MLX:
        return fit(Path(first.folder.path).name)
    return fit(without_token(first.name))


def _weights(candidate: Candidate) -> Path:
    """The largest file, which is its own more than any other."""
    return Path(candidate.folder.path, max(candidate.files, key=lambda file: file.size_bytes).name)


def _below(candidate: Candidate, base: Path) -> str:
    """What the engine opens, below the repo's folder; empty for the folder itself."""
    below = os.path.relpath(candidate.path, base)
    return "" if below == "." else below


def _files(candidate: Candidate, base: Path) -> Iterator[tuple[Path, str]]:
    """An MLX model is its folder, licence and notes included."""
    folder = Path(candidate.folder.path)
    names = candidate.files if _is_gguf(candidate) else candidate.folder.files
    for file in names:
        yield folder / file.name, os.path.relpath(folder / file.name, base)
