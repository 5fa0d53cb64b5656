"""Which files on disk make up one model. Looks at names, sizes and times, never inside a model's file.

The layout is LM Studio's, `<publisher>/<repo>/<file>`, where the repo itself may be an MLX folder. GGUF files in
folders inside a repo belong to it, two levels deep, which also bounds links that lead in circles. Files lying higher
up, hidden ones and half-written ones are not looked at. A repo may also lie there as in the cache of huggingface_hub,
`models--<publisher>--<repo>/snapshots/<commit>/<file>`, whose files are links to `blobs`.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from lms.catalog.mlx_facts import CONFIG_NAME, INDEX_NAME, TOKENIZER_NAMES
from lms.catalog.model import Format

REPO_LEVELS = 2
MAX_FOLDERS_BELOW_REPO = 2
_PARTIAL_ENDINGS = (".part", ".incomplete", ".download", ".crdownload", ".aria2", ".tmp")
SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE | re.ASCII)
# Control characters, which would reach the terminal, and bytes that are no Unicode, which JSON cannot hold.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# How huggingface_hub names the folder of a repo in its cache; what is no model begins with another word.
_HUB_REPO = re.compile(r"(?P<kind>models|datasets|spaces)--(?:(?P<publisher>.+?)--)?(?P<repo>.+)")
# The publisher of the few repos that have none.
_NO_PUBLISHER = "huggingface"
MAIN_BRANCH = Path("refs", "main")
_MLX_FILES = frozenset((CONFIG_NAME, INDEX_NAME, *TOKENIZER_NAMES))


class Found(NamedTuple):
    """One file; size 0 and time 0 for a link that leads nowhere."""

    name: str
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with files: `parts` are its names below the models folder, publisher and repo first."""

    path: str
    parts: tuple[str, ...]
    files: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """The files of one model. `name` is the GGUF file's name without extension and shard number, or the MLX folder's;
    `missing` are shards that should be there.
    """

    format: Format
    folder: Folder
    name: str
    files: tuple[Found, ...]
    missing: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """What an engine opens."""
        return self.folder.path if self.format is Format.MLX else os.path.join(self.folder.path, self.files[0].name)

    @property
    def relative_path(self) -> str:
        parts = self.folder.parts if self.format is Format.MLX else (*self.folder.parts, self.files[0].name)
        return "/".join(parts)


def walk(root: Path) -> Iterator[Folder]:
    """Every folder below `root` that may hold models.

    Folders that cannot be read are left out, and links to folders below `root`, which are met where they really are.
    """
    real_root = os.path.realpath(root)
    for publisher in _contents(os.fspath(root), real_root)[1]:
        if _HUB_REPO.fullmatch(publisher):
            if parts := hub_repo(publisher):
                yield from _walk_hub_repo(Path(root, publisher), real_root, parts)
            continue
        for repo in _contents(os.path.join(root, publisher), real_root)[1]:
            path = os.path.join(root, publisher, repo)
            yield from _walk_repo(path, real_root, (publisher, repo), MAX_FOLDERS_BELOW_REPO)


def hub_repo(folder_name: str) -> tuple[str, str] | None:
    """Publisher and repo of a model whose folder in huggingface_hub's cache has that name."""
    found = _HUB_REPO.fullmatch(folder_name)
    if found is None or found["kind"] != "models":
        return None
    return found["publisher"] or _NO_PUBLISHER, found["repo"]


def hub_snapshot(path: Path) -> Path | None:
    """The commit to take in a repo's folder in huggingface_hub's cache: that of the main branch, if it is there."""
    commits = _hub_commits(path, os.path.realpath(path)) if hub_repo(path.name) else []
    return path / "snapshots" / commits[0] if commits else None


def walk_repo(path: Path, parts: tuple[str, str], levels: int = MAX_FOLDERS_BELOW_REPO) -> Iterator[Folder]:
    """The folders of one repo at `path`, wherever it lies, as if it were that publisher's."""
    return _walk_repo(os.fspath(path), os.path.realpath(path), parts, levels)


def candidates(folder: Folder) -> Iterator[Candidate]:
    """The models in one folder, GGUF files first. A model of which a part is still being written is left out."""
    by_name = {file.name: file for file in folder.files}
    unfinished = _unfinished(by_name)
    shards: dict[tuple[str, int], dict[int, Found]] = defaultdict(dict)
    for file in folder.files:
        if shard := SHARD.fullmatch(file.name):
            shards[shard["stem"], int(shard["count"])][int(shard["number"])] = file
        elif file.name.lower().endswith(".gguf") and file.name not in unfinished:
            yield Candidate(Format.GGUF, folder, file.name[: -len(".gguf")], (file,))
    for (stem, count), present in shards.items():
        names = {f"{stem}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)}
        if not names & unfinished:
            missing = tuple(sorted(names - by_name.keys()))
            yield Candidate(Format.GGUF, folder, stem, tuple(present[number] for number in sorted(present)), missing)
    yield from _mlx(folder, by_name, unfinished)


def _mlx(folder: Folder, by_name: Mapping[str, Found], unfinished: Iterable[str]) -> Iterator[Candidate]:
    at_repo_level = len(folder.parts) == REPO_LEVELS
    weights = any(name.endswith(".safetensors") for name in by_name)
    being_written = any(name.endswith(".safetensors") or name in _MLX_FILES for name in unfinished)
    if at_repo_level and CONFIG_NAME in by_name and weights and not being_written:
        files = tuple(
            file for name, file in sorted(by_name.items()) if name in _MLX_FILES or name.endswith(".safetensors")
        )
        yield Candidate(Format.MLX, folder, folder.parts[-1], files)


def _unfinished(names: Iterable[str]) -> set[str]:
    """Files that are still being written, after the mark beside them: `x.gguf` for `x.gguf.part`. A whole file beside
    its mark is an update under way and stays listed, unless the mark says that the file is written in place (aria2).
    """
    present = set(names)
    marked = {
        name.removesuffix(ending): ending for name in present for ending in _PARTIAL_ENDINGS if name.endswith(ending)
    }
    return {name for name, ending in marked.items() if ending == ".aria2" or name not in present}


def _walk_hub_repo(path: Path, real_root: str, parts: tuple[str, str]) -> Iterator[Folder]:
    """Every commit that is there: what is in several is the same model."""
    for commit in _hub_commits(path, real_root):
        yield from _walk_repo(os.fspath(path / "snapshots" / commit), real_root, parts, MAX_FOLDERS_BELOW_REPO)


def _hub_commits(path: Path, real_root: str) -> list[str]:
    """The one that the main branch was at first."""
    commits = _contents(os.fspath(path / "snapshots"), real_root)[1]
    try:
        main = (path / MAIN_BRANCH).read_text(errors="replace").strip()
    except OSError:
        main = ""
    return sorted(commits, key=lambda commit: (commit != main, commit))


def _walk_repo(path: str, real_root: str, parts: tuple[str, ...], levels_left: int) -> Iterator[Folder]:
    files, folders = _contents(path, real_root)
    if files:
        yield Folder(path, parts, tuple(files))
    if levels_left:
        for name in folders:
            yield from _walk_repo(os.path.join(path, name), real_root, (*parts, name), levels_left - 1)


def _contents(path: str, real_root: str) -> tuple[list[Found], list[str]]:
    """Files and folder names in `path`, each sorted; hidden names and unfit ones are left out."""
    files: list[Found] = []
    folders: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or _UNFIT.search(entry.name):
                    continue
                if entry.is_dir():
                    if not _leads_back(entry, real_root):
                        folders.append(entry.name)
                elif found := _found(entry):
                    files.append(found)
    except OSError:
        return [], []
    return sorted(files), sorted(folders)


def _leads_back(entry: os.DirEntry[str], real_root: str) -> bool:
    if not entry.is_symlink():
        return False
    target = os.path.realpath(entry.path)
    return os.path.commonpath((target, real_root)) in (real_root, target)


def _found(entry: os.DirEntry[str]) -> Found | None:
    try:
        status = entry.stat()
    except OSError:
        return Found(entry.name, 0, 0)
    return Found(entry.name, status.st_size, status.st_mtime_ns) if S_ISREG(status.st_mode) else None
