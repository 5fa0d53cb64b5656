"""The chart of `lms bench`, drawn by matplotlib where that is installed."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lms.errors import Unsupported, UsageError

if TYPE_CHECKING:
    from lms.cli.bench_run import Figures

SUFFIXES = (".png", ".svg", ".pdf")


def require(file: str) -> None:
    """Raises UsageError for a file that cannot be drawn, and Unsupported without matplotlib: before anything is
    measured.
    """
    path = Path(file)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--plot takes a file that ends with {', '.join(SUFFIXES)}, not “{file}”.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--plot: there is no folder {path.parent}.")
    if find_spec("matplotlib") is None:
        raise Unsupported("Charts need matplotlib.", hint="pip install matplotlib")


def draw(file: str, model: str, figures: "Sequence[Figures]") -> None:
    """Two panels over the number of streams."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = [figure.streams for figure in figures]
    panels = {
        "tokens per second": {"all": [each.rate_all for each in figures], "each": [each.rate_each for each in figures]},
        "time to first token (s)": {
            "median": [each.first_token_s for each in figures],
            "slowest": [each.slowest_first_token_s for each in figures],
        },
    }
    drawing, grid = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axes, (title, lines) in zip(grid, panels.items(), strict=True):
        for label, heights in lines.items():
            axes.plot(sizes, heights, "o-", label=label)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xticks(sizes)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    drawing.supxlabel("streams at once")
    drawing.suptitle(model)
    drawing.savefig(file, dpi=110)
    pyplot.close(drawing)
