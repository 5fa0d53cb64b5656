import pytest

from lms.cli import units


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 KB"),
        (999_999, "1.00 MB"),
        (4_683_073_184, "4.68 GB"),
        (10**15, "1000.00 TB"),
    ],
)
def test_disk_sizes_count_in_thousands(size_bytes: int, shown: str) -> None:
    assert units.disk(size_bytes) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"), [(0, "0 Bytes"), (1000, "1000 Bytes"), (1536, "1.50 KiB"), (4_683_073_184, "4.36 GiB")]
)
def test_memory_sizes_count_in_1024s(size_bytes: int, shown: str) -> None:
    assert units.memory(size_bytes) == shown


@pytest.mark.parametrize(
    ("duration_s", "shown"), [(0.012, "12.00ms"), (3.45, "3.45s"), (123.45, "2m 3.45s"), (3723.45, "1h 2m 3.45s")]
)
def test_elapsed_times(duration_s: float, shown: str) -> None:
    assert units.elapsed(duration_s) == shown


@pytest.mark.parametrize(("duration_s", "shown"), [(3600, "1h"), (3599, "60m"), (90, "2m"), (59.4, "59s"), (0, "0s")])
def test_a_short_time_names_one_unit(duration_s: float, shown: str) -> None:
    assert units.short(duration_s) == shown


def test_one_of_a_thing_is_singular() -> None:
    assert [units.count(number, "model") for number in (0, 1, 1200)] == ["0 models", "1 model", "1,200 models"]
