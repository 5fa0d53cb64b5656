"""The models on disk: reads folders and headers, remembers them, answers what there is. The rim of this package."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from lms.catalog import gguf_facts, layout, mlx_facts
from lms.catalog.arrange import Reading, arrange
from lms.catalog.cache import Cache
from lms.catalog.facts import Facts, damaged, joined
from lms.catalog.layout import Candidate, Found
from lms.catalog.listing import Listing
from lms.catalog.model import Format, Model
from lms.errors import ModelNotFound

MAX_AGE_S = 1.0


class Catalog:
    """What is in the models folder, in folders used in place, and the bundled models. Safe to share between threads."""

    def __init__(
        self,
        models_dir: Path,
        bundled_dir: Path | None,
        cache_path: Path | None = None,
        in_place: Callable[[], Iterable[Path]] = tuple,
    ) -> None:
        """`cache_path` is a JSON file that makes the next process's first listing fast; without it nothing is kept.

        `in_place` tells the folders that are somebody else's; it is asked at every look.
        """
        self._models_dir = models_dir.absolute()
        self._bundled_dir = bundled_dir.absolute() if bundled_dir else None
        self._cache_path = cache_path
        self._in_place = in_place
        self._cache: Cache | None = None
        self._lock = threading.Lock()
        self._readings: list[Reading] = []
        self._listing: Listing | None = None
        self._read_at_s = 0.0

    def listing(self, max_age_s: float = MAX_AGE_S) -> Listing:
        """What there is, at most `max_age_s` ago. Never raises because of what lies in the folders."""
        with self._lock:
            if self._listing is None or self._is_older_than(max_age_s):
                self._listing = self._scan()
                self._read_at_s = time.monotonic()
            return self._listing

    def _is_older_than(self, max_age_s: float) -> bool:
        """What another process has done to the models is to be seen at once."""
        by_another = self._cache is not None and self._cache.is_outdated
        return by_another or time.monotonic() - self._read_at_s > max_age_s

    def models(self) -> Sequence[Model]:
        """One entry per key, sorted by key."""
        return self.listing().models

    def resolve(self, typed: str, *, fuzzy: bool = False) -> Model:
        """The model that `typed` means, after a fresh look before saying no. Raises as `Listing.resolve` does."""
        try:
            return self.listing().resolve(typed, fuzzy=fuzzy)
        except ModelNotFound:
            return self.listing(max_age_s=0).resolve(typed, fuzzy=fuzzy)

    def _scan(self) -> Listing:
        if self._cache is None or self._cache.is_outdated:
            self._cache = Cache(self._cache_path)
        in_place = [*self._in_place()]
        readings = [*_readings(self._models_dir, self._cache)]
        for folder in in_place:
            readings += _readings(folder, self._cache, in_place=True)
        if self._bundled_dir:
            readings += _readings(self._bundled_dir, self._cache, bundled=True)
        listing, names = self._listing, self._cache.names
        if listing is None or readings != self._readings:
            away = names.below([folder for folder in (self._models_dir, *in_place) if _is_away(folder)])
            listing, names = arrange(readings, names, away)
            self._readings = readings
        self._cache.close_scan(names)
        return listing


def scan(models_dir: Path, bundled_dir: Path | None = None) -> Sequence[Model]:
    """One look at the folders, nothing remembered."""
    return Catalog(models_dir, bundled_dir).models()


def read(candidate: Candidate) -> Facts:
    """What the headers of one model tell, wherever it lies. Damage is among it."""
    return _facts(candidate, Cache(None))


def _is_away(folder: Path) -> bool:
    """Whether the folder is missing or empty, as one is whose disk is not mounted."""
    try:
        return not any(folder.iterdir())
    except OSError:
        return True


def _readings(root: Path, cache: Cache, *, bundled: bool = False, in_place: bool = False) -> Iterator[Reading]:
    seen: set[str] = set()
    for folder in layout.walk(root):
        for candidate in layout.candidates(folder):
            if candidate.relative_path not in seen:  # the same in an earlier commit, in a cache of the hub
                seen.add(candidate.relative_path)
                yield Reading(candidate, _facts(candidate, cache), bundled, in_place)


def _facts(candidate: Candidate, cache: Cache) -> Facts:
    if candidate.format is Format.MLX:
        return cache.facts(candidate.path, candidate.files, mlx_facts.read)
    facts = joined([_shard_facts(candidate, file, cache) for file in candidate.files])
    if missing := candidate.missing:
        whole = len(candidate.files) + len(missing)
        return damaged(facts, f"{len(missing)} of its {whole} files are missing, the first is {missing[0]}.")
    return facts


def _shard_facts(candidate: Candidate, file: Found, cache: Cache) -> Facts:
    return cache.facts(f"{candidate.folder.path}/{file.name}", (file,), gguf_facts.read)
