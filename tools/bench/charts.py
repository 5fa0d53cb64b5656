"""Charts of `bench-scale`, PNG. Matplotlib, which only the `dev` extra brings, is imported here only."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench.results import FOLDER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tools.bench.scale import Point

BLUE, ORANGE, GREEN = "#2a6fb0", "#d1702a", "#3a8a4d"
TITLES = {
    "streams": ("streams at once", "More streams at once: prompts of 96 words, answers of 32 tokens"),
    "contexts": ("context (tokens), filled by the prompt", "Longer contexts: one stream, the prompt fills the context"),
}
Line = tuple[str, str, "Callable[[Point], float]"]


def draw(name: str, points: "Sequence[Point]") -> Path:
    """Write `build/bench/NAME.png`: speed, time to the first token, memory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    below, title = TITLES[name]
    figure, (speed, first, memory) = pyplot.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    figure.suptitle(f"{title}  ·  0.5B Q4_0", fontsize=12)
    _panel(speed, points, below, "tokens per second", _speed_lines(name))
    _panel(
        first,
        points,
        below,
        "seconds to the first token",
        [("p95", ORANGE, lambda point: point.first_p95_s), ("p50", BLUE, lambda point: point.first_p50_s)],
    )
    _panel(memory, points, below, "resident memory of the engine (MB)", [("", GREEN, lambda point: point.resident_mb)])
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.png"
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path


def _speed_lines(name: str) -> list[Line]:
    if name == "streams":
        return [
            ("all streams, prompts included", BLUE, lambda point: point.generated_per_s),
            ("each stream, while it decodes", ORANGE, lambda point: point.decoded_per_s),
        ]
    return [
        ("reading the prompt", BLUE, lambda point: point.read_per_s),
        ("decoding behind it", ORANGE, lambda point: point.decoded_per_s),
    ]


def _panel(axes: "Axes", points: "Sequence[Point]", below: str, left: str, lines: list[Line]) -> None:
    """Sizes double from one mark to the next; the height begins at zero, so that it can be compared."""
    sizes = [point.size for point in points]
    for label, colour, value in lines:
        axes.plot(sizes, [value(point) for point in points], marker="o", markersize=5, color=colour, label=label)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size // 1024}k" if size >= 1024 else str(size) for size in sizes])
    axes.set_ylim(bottom=0, top=1.12 * max(value(point) for point in points for _, _, value in lines))
    axes.set_xlabel(below)
    axes.set_ylabel(left)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        axes.legend(frameon=False)
