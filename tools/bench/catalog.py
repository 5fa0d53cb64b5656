"""`make bench-catalog`: how long it takes to list 2,000 models, the first time and later.

The models are small, which a scan does not notice: it looks at names, sizes and times, and reads headers once.
"""

import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from lms.catalog.catalog import Catalog
from lms.paths import bundled_models_dir

REPOS = 1_000
QUANTIZATIONS = ("Q4_K_M", "Q8_0")
PUBLISHERS = 50


def main() -> None:
    with TemporaryDirectory() as folder:
        models, cache = Path(folder, "models"), Path(folder, "catalog.json")
        _fill(models)
        _measure("cold: every header is read", Catalog(models, None, cache))
        catalog = Catalog(models, None, cache)
        _measure("warm, in a new process: the cache is read", catalog)
        _measure("warm, in a daemon: names, sizes and times are looked at", catalog)


def _fill(models: Path) -> None:
    (one,) = bundled_models_dir().glob("*/tiny-chat/*.gguf")
    for number in range(REPOS):
        repo = models / f"publisher-{number % PUBLISHERS}" / f"model-{number}-GGUF"
        repo.mkdir(parents=True)
        for quantization in QUANTIZATIONS:
            _clone(one, repo / f"model-{number}-{quantization}.gguf")


def _clone(source: Path, target: Path) -> None:
    """A hard link: 2,000 copies would take 8 GB."""
    first = target.parent.parent.parent / "first.gguf"
    if not first.exists():
        shutil.copyfile(source, first)
    target.hardlink_to(first)


def _measure(title: str, catalog: Catalog) -> None:
    begin_s = time.perf_counter()
    count = sum(1 for _ in catalog.listing(max_age_s=0).every_variant())
    print(f"{count:,} models, {title}: {time.perf_counter() - begin_s:.2f} s", flush=True)


if __name__ == "__main__":
    main()
