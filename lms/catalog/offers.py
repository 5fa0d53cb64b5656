"""Which files of a repo on the hub make up one model, and what a person may type to mean one. Pure.

A GGUF repo offers a model for each quantization: a file, or all its shards, with the projector if the repo has one. A
repo of safetensors offers one, which is the whole folder, as `layout` finds it again.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

from lms.catalog.arrange import projector_rank
from lms.catalog.layout import MAX_FOLDERS_BELOW_REPO, SHARD
from lms.catalog.quantization import name_token
from lms.errors import InvalidRequest, ModelNotFound

HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
# Its pages call models as the hub does, by their makers' names.
LM_STUDIO_HOSTS = frozenset({"lmstudio.ai", "www.lmstudio.ai"})
SHOWN_QUANTIZATIONS = 12

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
# Control characters and backslashes never become part of a path on this disk.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]")
_POINTING = frozenset({"tree", "blob", "resolve"})
# Not what an MLX model is made of: the same weights in other formats, pictures, and notes.
_NO_PART = (".bin", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".gguf", ".ot", ".png", ".jpg", ".jpeg", ".gif", ".webp")

OfferFormat = Literal["gguf", "mlx"]


class RepoFile(msgspec.Struct, frozen=True):
    """One file of a repo. `sha256` is that of its bytes where it is stored with LFS, `git_sha1` git's name for it."""

    path: str
    size_bytes: int
    sha256: str | None = None
    git_sha1: str | None = None


class Repo(msgspec.Struct, frozen=True):
    """A repo at one commit. `name` is `owner/name`, as the hub spells it. A `gated` one asks who wants its files."""

    name: str
    commit: str
    files: tuple[RepoFile, ...]
    gated: bool = False


class FoundRepo(msgspec.Struct, frozen=True):
    """A repo that a search has found. `downloads` are those of the last month, as the hub counts them."""

    name: str
    formats: tuple[OfferFormat, ...]
    downloads: int = 0
    likes: int = 0
    gated: bool = False


class Offer(msgspec.Struct, frozen=True):
    """One model that can be had from a repo: all its files, those without weights first.

    `quantization` is upper case for GGUF, and None where no name tells.
    """

    format: OfferFormat
    quantization: str | None
    files: tuple[RepoFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class Wanted(msgspec.Struct, frozen=True):
    """What somebody typed: a repo, and in it a revision, a file and a quantization if they said so."""

    repo: str
    revision: str | None = None
    file: str | None = None
    quantization: str | None = None


def split(typed: str) -> tuple[str, str]:
    """What stands before the `@`, and the quantization behind it, if there is one. Raises InvalidRequest."""
    name, _, quantization = (part.strip() for part in typed.partition("@"))
    if "@" in quantization:
        raise InvalidRequest(f"“{typed}” has more than one @.", hint="It is name@quantization.", param="model")
    return name, quantization


def wanted(typed: str, quantization: str | None = None, endpoint: str | None = None) -> Wanted:
    """What `typed` means: `owner/name`, the address of a repo or of a file on the hub, each with `@quantization`.

    Raises InvalidRequest when it is none of them.
    """
    name, behind = split(typed)
    if quantization and behind and quantization.lower() != behind.lower():
        raise InvalidRequest(f"“{typed}” says {behind}, and the quantization is to be {quantization}.", param="model")
    meant = _at_address(name, endpoint) if "://" in name else _repo(name.split("/"), typed)
    return msgspec.structs.replace(meant, quantization=quantization or behind or None)


def offers(repo: Repo) -> tuple[Offer, ...]:
    """Everything that the repo has to offer, GGUF first."""
    fit = [file for file in repo.files if _is_fit(file.path)]
    return (*_gguf(fit), *_mlx(repo, fit))


def choose(repo: Repo, what: Wanted, formats: Sequence[OfferFormat] = ("gguf", "mlx")) -> Offer:
    """The offer that is meant; of several the default one: Q4_K_M, else the smallest with at least four bits.

    Raises ModelNotFound with what there is.
    """
    every = offers(repo)
    there = [offer for offer in every if offer.format in formats]
    if not there:
        names = " or ".join(name.upper() for name in formats)
        raise ModelNotFound(f"“{repo.name}” has no {names} model.", hint=_instead(repo, every), param="model")
    fitting = [offer for offer in there if _is_meant(offer, what)]
    if not fitting:
        asked = f"file “{what.file}”" if what.file else f"quantization {what.quantization}"
        raise ModelNotFound(
            f"“{repo.name}” has no model with {asked}.",
            hint=f"It has {_shown(there)}.",
            param="quantization" if what.quantization else "model",
        )
    return min(fitting, key=taste)


def taste(offer: Offer) -> tuple[bool, bool, bool, int]:
    """Orders offers, the one to take first: GGUF, and of these as the catalog selects a variant."""
    small = bits(offer.quantization) < 4
    size = offer.size_bytes
    return offer.format != "gguf", offer.quantization != "Q4_K_M", small, -size if small else size


def bits(quantization: str | None) -> int:
    """Those of a weight, by the quantization's name; 0 where it tells none."""
    digits = re.search(r"\d+", quantization or "")
    return int(digits.group()) if digits else 0


def is_repo_name(name: str) -> bool:
    """Whether it is `owner/name`, and so may be the name of a folder in a folder."""
    names = name.split("/")
    return len(names) == 2 and all(_NAME.fullmatch(each) for each in names)


def is_projector(path: str) -> bool:
    return "mmproj" in path.rpartition("/")[2].lower()


def _at_address(address: str, endpoint: str | None) -> Wanted:
    """A repo's or file's page, its download link too."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.netloc in LM_STUDIO_HOSTS:
        return _repo(parts.path.removeprefix("/models").strip("/").split("/"), address)
    own = urlsplit(endpoint) if endpoint else None
    at_home = own is not None and (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
    if not at_home and (parts.scheme != "https" or parts.netloc not in HUB_HOSTS):
        raise InvalidRequest(
            f"“{address}” is no address of the hub.",
            hint="It begins with https://huggingface.co/. HF_ENDPOINT names another hub.",
            param="model",
        )
    names = [unquote(name) for name in parts.path.split("/") if name]
    meant = _repo(names[:2], address)
    if len(names) == 2:
        return meant
    if names[2] not in _POINTING or len(names) < 4:
        raise InvalidRequest(f"“{address}” is no address of a model or a file.", param="model")
    return msgspec.structs.replace(meant, revision=names[3], file="/".join(names[4:]) or None)


def _repo(names: Sequence[str], typed: str) -> Wanted:
    if not is_repo_name("/".join(names)):
        raise InvalidRequest(
            f"“{typed}” is no model on the hub.", hint="It is owner/name, or the address of its page.", param="model"
        )
    return Wanted("/".join(names))


def _is_fit(path: str) -> bool:
    """Whether the file may lie in a models folder by that name, and would be seen there."""
    names = path.split("/")
    hidden = any(not name or name.startswith(".") for name in names)
    return not hidden and not _UNFIT.search(path) and len(names) <= MAX_FOLDERS_BELOW_REPO + 1


def _gguf(files: Iterable[RepoFile]) -> Iterable[Offer]:
    models: dict[str, list[RepoFile]] = defaultdict(list)
    projectors = []
    for file in files:
        if not file.path.lower().endswith(".gguf") or "imatrix" in file.path.lower():
            continue
        if is_projector(file.path):
            projectors.append(file)
        else:
            models[_stem(file.path)].append(file)
    seeing = sorted(projectors, key=lambda file: projector_rank(_stem(file.path)))[:1]
    for stem, parts in models.items():
        if _is_complete(parts):
            yield Offer("gguf", name_token(stem.rpartition("/")[2]), (*seeing, *sorted(parts, key=_path)))


def _mlx(repo: Repo, files: Sequence[RepoFile]) -> Iterable[Offer]:
    flat = [file for file in files if "/" not in file.path and not file.path.lower().endswith(_NO_PART)]
    weights = [file for file in flat if file.path.endswith(".safetensors")]
    if weights and any(file.path == "config.json" for file in flat):
        rest = [file for file in flat if file not in weights]
        found = re.search(r"(?:^|[-_.])(\d+bit|bf16|fp16|mxfp4|nvfp4)(?:$|[-_.])", repo.name.lower())
        yield Offer("mlx", found.group(1) if found else None, (*rest, *weights))


def _is_meant(offer: Offer, what: Wanted) -> bool:
    if what.file and what.file not in {file.path for file in offer.files}:
        return False
    return what.quantization is None or (offer.quantization or "").lower() == what.quantization.lower()


def _stem(path: str) -> str:
    """The path without shard number and extension."""
    folder, slash, name = path.rpartition("/")
    shard = SHARD.fullmatch(name)
    return folder + slash + (shard["stem"] if shard else name[: -len(".gguf")])


def _is_complete(parts: Sequence[RepoFile]) -> bool:
    shard = SHARD.fullmatch(parts[0].path.rpartition("/")[2])
    return len(parts) == (int(shard["count"]) if shard else 1)


def _path(file: RepoFile) -> str:
    return file.path


def _instead(repo: Repo, every: Sequence[Offer]) -> str:
    """What to do where there is no model of the wanted format. Safetensors are none: they cannot be loaded here."""
    if any(offer.format == "gguf" for offer in every):
        return f"It has a GGUF model: lms get {repo.name}"
    name = repo.name.rpartition("/")[2]
    return f"GGUF models are mostly in repos whose name ends in “-GGUF”: lms get {name} searches for them."


def _shown(there: Sequence[Offer]) -> str:
    names = [offer.quantization or offer.files[-1].path for offer in sorted(there, key=taste)]
    more = len(names) - SHOWN_QUANTIZATIONS
    return ", ".join(names[:SHOWN_QUANTIZATIONS]) + (f" and {more} more" if more > 0 else "")
