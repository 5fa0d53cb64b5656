from pathlib import Path

import pytest

from tools.bench import charts
from tools.bench.scale import Point

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("name", sorted(charts.CHARTS))
def test_a_chart_is_a_picture(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="only the dev extra has it")
    monkeypatch.chdir(tmp_path)
    points = [Point(size, 10.0 * size, 20.0 / size, 100.0, 0.1 * size, 0.2 * size, 800.0) for size in (1, 2, 4)]
    assert charts.draw(name, points, "a model").read_bytes().startswith(PNG)
