import pytest

from lms.cli.values import one_of, whole_number
from lms.errors import UsageError


@pytest.mark.parametrize(("typed", "number"), [("1", 1), (" 12 ", 12), ("256", 256), ("007", 7)])
def test_a_number_within_its_bounds_is_taken(typed: str, number: int) -> None:
    assert whole_number("--parallel", typed, 1, 256) == number


@pytest.mark.parametrize("typed", ["", "0", "257", "-1", "1.0", "1_0", "1e2", "٣", "abc", "9" * 5000])
def test_anything_else_is_refused_with_what_would_do(typed: str) -> None:
    with pytest.raises(UsageError, match="--parallel takes a number from 1 to 256, not “"):
        whole_number("--parallel", typed, 1, 256)


def test_a_word_that_would_do_too_is_named() -> None:
    with pytest.raises(UsageError, match="-c takes max or a number from 1 to 9, not “few”"):
        whole_number("-c", "few", 1, 9, also="max")


@pytest.mark.parametrize("typed", ["on", " ON "])
def test_a_word_is_taken_in_any_case(typed: str) -> None:
    assert one_of("--switch", typed, ("on", "off")) == "on"


@pytest.mark.parametrize("typed", ["", "o", "onoff", "on off"])
def test_another_word_is_refused_with_those_that_would_do(typed: str) -> None:
    with pytest.raises(UsageError, match="--switch takes auto, on or off, not “"):
        one_of("--switch", typed, ("auto", "on", "off"))
