"""From what was read on disk to the listing: projectors join models, models get keys, quantizations become variants.

Pure. Ties are broken by path, so the outcome depends on nothing but the files and the names of the last time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lms.catalog import keys
from lms.catalog.cache import NO_NAMES, Names
from lms.catalog.facts import Facts, Role, params_label
from lms.catalog.keys import Nameable
from lms.catalog.layout import REPO_LEVELS, Candidate
from lms.catalog.listing import Listing, Variants
from lms.catalog.model import UNKNOWN_QUANTIZATION, Format, Kind, Model, Quantization
from lms.catalog.quantization import name_token, without_token

_PROJECTOR_PREFERENCE = ("f16", "bf16", "q8_0", "f32")


@dataclass(frozen=True, slots=True)
class Reading:
    """A candidate and what its headers tell."""

    candidate: Candidate
    facts: Facts
    bundled: bool
    in_place: bool = False
    projector: Candidate | None = None


def arrange(readings: Iterable[Reading], known: Names, away: Names = NO_NAMES) -> tuple[Listing, Names]:
    """The listing of everything read, and the names to remember. Pure.

    `away` are names of models in folders that are not there now, as on a disk that is not mounted: they stay theirs.
    """
    sighted = list(_with_projectors(readings))
    named = keys.assign((_nameable(reading) for reading in sighted), known.keys, frozenset(away.keys.values()))
    groups: dict[str, list[Model]] = defaultdict(list)
    for reading in sighted:
        key = named[reading.candidate.path]
        groups[key].append(_model(reading, key))
    families = [_family(key, models, known.selected) for key, models in groups.items()]
    kept = _names_to_keep(families, known)
    return Listing(families), Names(away.keys | kept.keys, away.selected | kept.selected)


def _names_to_keep(families: Iterable[Variants], known: Names) -> Names:
    """Damaged models are not remembered before they were sound: their header could not say what they are."""
    keys_by_path: dict[str, str] = {}
    selected: dict[str, str] = {}
    for family in families:
        selected[family.selected.key] = str(family.selected.path)
        for model in family.all:
            if not model.damaged or str(model.path) in known.keys:
                keys_by_path[str(model.path)] = model.key
    return Names(keys_by_path, selected)


def _with_projectors(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Models only; each GGUF model beside a whole projector gets it."""
    by_repo: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_repo[_home(reading.candidate)].append(reading)
    for repo in by_repo.values():
        whole = (one for one in repo if one.facts.role is Role.PROJECTOR and not one.facts.damaged)
        projector = _projector(reading.candidate for reading in whole)
        for reading in repo:
            if reading.facts.role is Role.MODEL and not _is_projector(reading):
                sees = projector is not None and reading.candidate.format is Format.GGUF
                yield replace(reading, projector=projector) if sees else reading


def _is_projector(reading: Reading) -> bool:
    return reading.facts.role is Role.PROJECTOR or "mmproj" in reading.candidate.name.lower()


def _projector(found: Iterable[Candidate]) -> Candidate | None:
    return min(found, key=lambda candidate: projector_rank(candidate.name), default=None)


def projector_rank(name: str) -> tuple[int, str]:
    """Orders projectors by their file name without extension, the one to take first."""
    token = (name_token(name) or "").lower()
    place = _PROJECTOR_PREFERENCE.index(token) if token in _PROJECTOR_PREFERENCE else len(_PROJECTOR_PREFERENCE)
    return place, name


def _home(candidate: Candidate) -> str:
    """The repo's folder, whatever folder inside it the files are in."""
    levels_inside = len(candidate.folder.parts) - REPO_LEVELS
    return str(Path(candidate.folder.path).parents[levels_inside - 1]) if levels_inside else candidate.folder.path


def _nameable(reading: Reading) -> Nameable:
    candidate = reading.candidate
    publisher, repo = candidate.folder.parts[:REPO_LEVELS]
    quantization = _quantization(reading)
    label = quantization.name.lower() if quantization else UNKNOWN_QUANTIZATION
    name = keys.repo_name(repo, label)
    is_gguf = candidate.format is Format.GGUF
    family = keys.repo_name(without_token(candidate.name), label) if is_gguf else name
    return Nameable(
        in_models_dir=not reading.bundled,
        publisher=keys.clean(publisher),
        repo=name,
        family=family,
        quantization=label,
        path=candidate.path,
        home=_home(candidate),
        relative_path=candidate.relative_path,
        kind=_kind(reading),
    )


def _quantization(reading: Reading) -> Quantization | None:
    """Of a damaged file, what its name says."""
    token = name_token(reading.candidate.name) if reading.facts.damaged else None
    return reading.facts.quantization or (Quantization.named(token) if token else None)


def _kind(reading: Reading) -> Kind:
    if reading.facts.embedding:
        return Kind.EMBEDDING
    return Kind.VLM if reading.facts.vision or reading.projector else Kind.LLM


def _model(reading: Reading, key: str) -> Model:
    candidate, facts = reading.candidate, reading.facts
    files = [(candidate.folder.path, file) for file in candidate.files]
    if reading.projector:
        files += [(reading.projector.folder.path, file) for file in reading.projector.files]
    publisher, repo = candidate.folder.parts[:REPO_LEVELS]
    kind = _kind(reading)
    return Model(
        key=key,
        publisher=publisher,
        display_name=facts.display_name or _display_name(repo),
        kind=kind,
        format=candidate.format,
        arch=facts.arch,
        quantization=_quantization(reading),
        size_bytes=sum(file.size_bytes for _, file in files),
        params=facts.params or None,
        params_label=facts.size_label or params_label(facts.params),
        max_context_length=facts.max_context_length,
        path=Path(candidate.path),
        relative_path=candidate.relative_path,
        files=tuple(Path(folder, file.name) for folder, file in files),
        projector=Path(reading.projector.path) if reading.projector else None,
        vision=kind is Kind.VLM,
        tool_use=facts.tool_use,
        has_chat_template=facts.has_chat_template,
        reasoning=facts.reasoning,
        bundled=reading.bundled,
        in_place=reading.in_place,
        modified_s=max(file.modified_ns for file in candidate.files) / 1e9,
        shape=facts.shape,
        vocabulary=facts.vocabulary,
        damaged=facts.damaged,
    )


def _display_name(repo: str) -> str:
    name = repo[: -len("-gguf")] if repo.lower().endswith("-gguf") else repo
    return name.replace("-", " ").replace("_", " ")


def _family(key: str, models: Iterable[Model], selected: Mapping[str, str]) -> Variants:
    """The variants in order: whole ones first, then bundled, then the one selected before, then by taste."""
    ordered = sorted(models, key=lambda model: (model.damaged is not None, not model.bundled, *_taste(model)))
    before = selected.get(key)
    chosen = min(ordered, key=lambda model: (model.damaged is not None, not model.bundled, str(model.path) != before))
    return Variants(chosen, tuple(ordered))


def _taste(model: Model) -> tuple[bool, bool, int, str]:
    """Q4_K_M, else the smallest with at least four bits, else the largest below."""
    name, bits = (model.quantization.name, model.quantization.bits) if model.quantization else ("", 0)
    return name != "Q4_K_M", bits < 4, bits if bits >= 4 else -bits, str(model.path)
