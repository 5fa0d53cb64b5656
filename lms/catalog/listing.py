"""All models of one moment, and what a person may type to mean one of them. Pure.

`resolve` takes, in this order: an exact key; the same in other letter case; the path of a model, below the models
folder or absolute; `publisher/name`, or a repo's path. Names may have `@quantization` behind them for one variant. With
`fuzzy`, for commands typed by a person, also what only one key begins with, and after that what only one has inside.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from lms.catalog.model import Model
from lms.errors import AmbiguousModel, ModelNotFound

SHOWN_KEYS = 5


class Variants(NamedTuple):
    """The quantizations of one model, best first. `selected` is the one that the bare key means."""

    selected: Model
    all: tuple[Model, ...]


class Index(NamedTuple):
    """What may be typed, and the models that each may mean, by their keys. Paths and aliases are in small letters."""

    names: dict[str, Model]
    paths: dict[str, dict[str, Model]]
    aliases: dict[str, dict[str, Model]]


class Listing:
    """A snapshot of the catalog. Holds one `Model` per key; `variants` gives the others."""

    def __init__(self, families: Iterable[Variants]) -> None:
        """`families` hold models whose `key` is bare."""
        ordered = sorted(families, key=lambda family: family.selected.key)
        self.models: tuple[Model, ...] = tuple(_entry(family) for family in ordered)
        self._variants = {family.selected.key: _spelled_out(family) for family in ordered}

    def variants(self, model: Model) -> tuple[Model, ...]:
        """Every quantization of `model`, each under its own `key@quantization`; one entry when there is one."""
        return self._variants[model.variant_key.rpartition("@")[0]]

    def every_variant(self) -> Iterator[Model]:
        """All that is on disk, one by one."""
        for model in self.models:
            yield from self.variants(model)

    def shown_key(self, variant: Model) -> str:
        """The shortest key of a variant: without its quantization when there is no other."""
        return variant.key if len(self.variants(variant)) > 1 else variant.key.rpartition("@")[0]

    def meant(self, typed: str) -> tuple[Model, ...]:
        """All that `typed` covers: every variant of a model, of these the ones in a repo, or the one that it names.

        Raises as `resolve` does.
        """
        entry = self.resolve(typed)
        variants = self.variants(entry)
        folded = typed.strip().removesuffix("/").lower()
        one = next(variant for variant in variants if variant.path == entry.path)
        if "@" in folded or folded in (one.relative_path.lower(), os.fspath(one.path).lower()):
            return (one,)
        in_repo = (variant for variant in variants if f"{variant.relative_path}/".lower().startswith(f"{folded}/"))
        return tuple(in_repo) or variants

    def resolve(self, typed: str, *, fuzzy: bool = False) -> Model:
        """The model that `typed` means. Raises ModelNotFound, or AmbiguousModel with the keys it could mean.

        A damaged model is returned like any other; `Model.require_sound` says no.
        """
        wanted = typed.strip()
        index = self._index
        if model := index.names.get(wanted) or index.names.get(wanted.lower()):
            return model
        folded = wanted.removesuffix("/").lower()
        for found in (index.paths.get(folded, {}), index.aliases.get(folded, {}), *self._parts(folded, fuzzy)):
            if found:
                return _only(found.values(), typed)
        raise self._not_found(typed)

    def _parts(self, folded: str, fuzzy: bool) -> Sequence[dict[str, Model]]:
        if not fuzzy or not folded:
            return ()
        begins = self._where(lambda key: key.startswith(folded) or key.rpartition("/")[2].startswith(folded))
        return begins, self._where(lambda key: folded in key)

    def _where(self, fits: Callable[[str], bool]) -> dict[str, Model]:
        """Models whose key fits; where it only fits with the quantization, the variants that do."""
        bare = {model.key: model for model in self.models if fits(model.key)}
        return bare or {key: model for key, model in self._index.names.items() if fits(key)}

    @cached_property
    def _index(self) -> Index:
        """Made when somebody types a name: who only lists the models, as for completions, need not wait for it."""
        index = Index({}, defaultdict(dict), defaultdict(dict))
        for model in self.models:
            self._enter(model, index)
        return index

    def _enter(self, model: Model, index: Index) -> None:
        """A model goes by its key, its selected variant too; the others go by `key@quantization` only."""
        index.names[model.key] = model
        for variant in self._variants[model.key]:
            meant = model if variant.path == model.path else variant
            index.names[variant.key] = meant
            quantization = variant.key.rpartition("@")[2]
            for alias in _repo_aliases(model, variant):
                index.aliases[f"{alias}@{quantization}".lower()][meant.key] = meant
                index.aliases[alias.lower()][model.key] = model
            for path in (variant.relative_path, os.fspath(variant.path)):
                index.paths[path.lower()][meant.key] = meant

    def _not_found(self, typed: str) -> ModelNotFound:
        there = self._like(typed)
        shown = ", ".join(there[:SHOWN_KEYS]) + (
            f" and {len(there) - SHOWN_KEYS} more" if len(there) > SHOWN_KEYS else ""
        )
        known = f"There is {shown}." if there else "There are no models on disk."
        return ModelNotFound(
            f"No model matches “{typed}”. {known}", hint="lms ls shows what is on disk, lms get finds more."
        )

    def _like(self, typed: str) -> list[str]:
        """The keys to name in place of `typed`: the variants when the model is right, else all, bundled ones last."""
        bare, mark, _ = typed.strip().lower().rpartition("@")
        if mark and (model := self._index.names.get(bare)):
            return [variant.key for variant in self.variants(model)]
        return [model.key for model in sorted(self.models, key=lambda model: model.bundled)]


def _entry(family: Variants) -> Model:
    if len(family.all) == 1:
        return family.selected
    keys = tuple(variant.variant_key for variant in family.all)
    return replace(family.selected, variants=keys, selected_variant=family.selected.variant_key)


def _spelled_out(family: Variants) -> tuple[Model, ...]:
    return tuple(replace(variant, key=variant.variant_key) for variant in family.all)


def _repo_aliases(model: Model, variant: Model) -> set[str]:
    """`publisher/repo` as on disk, without the endings that keys drop, and with the key in the place of the repo."""
    publisher, repo = variant.relative_path.split("/")[:2]
    name = model.key.rpartition("/")[2]
    return {f"{publisher}/{repo}", f"{publisher}/{repo.lower().removesuffix('-gguf')}", f"{publisher}/{name}", repo}


def _only(found: Iterable[Model], typed: str) -> Model:
    models = sorted(found, key=lambda model: model.key)
    if len(models) == 1:
        return models[0]
    keys = tuple(model.key for model in models)
    shown = ", ".join(keys[:SHOWN_KEYS]) + (f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else "")
    raise AmbiguousModel(f"“{typed}” could mean {shown}.", hint="Type the whole key.", candidates=keys)
