import pytest

from tools.bench.memory import Holding, Sample, judge


def samples(*engine_mb: float, pid: int = 2) -> list[Sample]:
    """One every five seconds, of a daemon that stays as it is and an engine."""
    return [
        Sample(5.0 * number, {"daemon": Holding(1, 100.0, 90.0), "engine m": Holding(pid, size, size)})
        for number, size in enumerate(engine_mb)
    ]


def test_memory_that_grew_while_things_settled_is_no_leak() -> None:
    assert judge(samples(*[50.0 * min(number, 12) for number in range(48)]), 240).holds


def test_memory_that_goes_on_growing_is() -> None:
    verdict = judge(samples(*[100.0 + number for number in range(60)]), 300)
    assert not verdict.holds
    assert verdict.growth["engine m"] > verdict.growth["total"] > 0.05
    assert verdict.growth["daemon"] == 0


def test_an_engine_that_was_replaced_does_not_pass() -> None:
    verdict = judge(samples(*[100.0] * 30) + samples(*[100.0] * 60, pid=3)[30:], 300)
    assert verdict.replaced == ("engine m",)
    assert not verdict.holds


def test_nothing_can_be_said_without_samples_of_both_times() -> None:
    with pytest.raises(ValueError, match="too few"):
        judge(samples(100.0, 100.0), 300)
