"""Tables of plain text. Pure."""

from collections.abc import Sequence

from tools.bench.comparison import SCALE, Metric, Outcome, Row, Unit

VERDICTS = {True: "holds", False: "MISSED", None: ""}


def lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows with their columns under each other: the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """The same for a README: the first row is the head."""
    head, *others = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *others)]


def number(value: float, unit: Unit) -> str:
    """Three digits that count, and the unit; whole numbers where there are three before the point."""
    scaled = value * SCALE.get(unit, 1.0)
    digits = 0 if unit == "tokens" or scaled >= 100 else 1 if scaled >= 10 else 2
    return f"{scaled:.{digits}f} {unit}"


def aim(metric: Metric) -> str:
    """The aim as it stands in the last column but one."""
    if metric.most is not None:
        return f"≤ {metric.most:g} {metric.unit}"
    return f"≥ {metric.ratio:g} ×" if metric.ratio is not None else ""


def ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} ×"


def comparison(outcome: Outcome) -> list[list[str]]:
    """A row for each figure: its name, ours, the other's, ratio, ratio of processor times, aim, verdict."""
    if outcome.failure:
        return [[outcome.scenario.name, "", "", "", "", "", "FAILED"]]
    rows = outcome.rows()
    return [_row(row, ratio(outcome.cpu_ratio) if row is rows[0] else "") for row in rows]


def _row(row: Row, cpu: str) -> list[str]:
    unit = row.metric.unit
    return [
        f"{row.scenario.name}, {row.metric.name}",
        number(middle(row.ours), unit),
        number(middle(row.other), unit) if row.other else "–",
        ratio(row.ratio),
        cpu,
        aim(row.metric),
        VERDICTS[row.holds],
    ]


def middle(values: Sequence[float]) -> float:
    """The median; the lower one of two in the middle, which is a value that was measured."""
    return sorted(values)[(len(values) - 1) // 2]
