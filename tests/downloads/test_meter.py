"""How fast bytes come."""

from lms.downloads.meter import WINDOW_S, Meter


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = Meter(0.0)
    for second in range(1, 21):
        meter.count(1000 if second <= 10 else 100, float(second))
    assert meter.bytes_per_s(20.0) == 100


def test_before_the_first_byte_and_when_nothing_comes_it_is_nought() -> None:
    meter = Meter(0.0)
    assert meter.bytes_per_s(0.0) == 0
    meter.count(1000, 1.0)
    assert meter.bytes_per_s(1.0 + 2 * WINDOW_S) == 0


def test_bytes_that_are_taken_back_make_no_negative_rate() -> None:
    meter = Meter(0.0)
    meter.count(-1000, 1.0)
    assert meter.bytes_per_s(1.0) == 0


def test_many_small_steps_count_as_one_large_one() -> None:
    meter = Meter(0.0)
    for step in range(1, 401):
        meter.count(10, step / 100)
    assert round(meter.bytes_per_s(4.0)) == 1000
