"""The exit codes: complete, and the ones that the README names."""

from pathlib import Path

import pytest

from lms.cli import exits
from lms.errors import UsageError, tree

README = Path(__file__).parents[2] / "README.md"


def test_every_error_has_an_exit_code() -> None:
    assert set(exits.BY_ERROR) == set(tree())


def test_no_error_ends_with_a_code_that_is_not_explained() -> None:
    assert set(exits.BY_ERROR.values()) <= set(exits.MEANINGS)


def test_a_wrong_command_line_is_told_from_a_failure() -> None:
    assert exits.code_of(UsageError("no")) == 2


def test_the_readme_shows_this_very_table() -> None:
    if not README.exists():
        pytest.skip("there is no README yet")
    shown = README.read_text().partition("<!-- exit codes -->")[2].partition("<!-- /exit codes -->")[0]
    assert shown.strip() == exits.markdown()
