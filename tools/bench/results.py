"""All values of all runs as JSON in `build/bench`, for whoever wants more than the table."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.bench.comparison import Outcome
from tools.bench.machine import Machine

FOLDER = Path("build/bench")


def save(name: str, machine: Machine, content: dict[str, Any]) -> Path:
    """Write `build/bench/NAME.json` and say where."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps({"machine": asdict(machine), **content}, indent=2) + "\n")
    return path


def shape(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """One object for each scenario."""
    return [
        {
            "scenario": outcome.scenario.name,
            "model": outcome.scenario.setup.model.name,
            "speculation": outcome.scenario.speculation,
            "against": outcome.scenario.against,
            "ours": [asdict(run) for run in outcome.ours],
            "other": [asdict(run) for run in outcome.other],
            "failure": outcome.failure,
            "cpu_ratio": outcome.cpu_ratio,
            "ratios": {row.metric.name: row.ratio for row in outcome.rows()},
            "holds": {row.metric.name: row.holds for row in outcome.rows()},
        }
        for outcome in outcomes
    ]
