"""Markdown that grows: what stays, and what is drawn again."""

import io
from contextlib import suppress

import pytest
from rich.console import Console

from lms.cli.markdown import Growing, whole_blocks

TEXT = "# Title\n\nA **bold** word.\n\n```python\nx = 1\n\ny = 2\n```\n\n1. one\n2. two\n"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", ""),
        ("a line", ""),
        ("a line\n", ""),
        ("one\n\ntwo", "one\n\n"),
        ("```\na\n\nb", ""),
        ("~~~\na\n\n~~~\n\nb", "~~~\na\n\n~~~\n\n"),
        ("one\n   \n", "one\n   \n"),
    ],
)
def test_a_block_is_whole_when_a_blank_line_outside_of_code_ends_it(text: str, whole: str) -> None:
    assert text[: whole_blocks(text)] == whole


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_is_left_is_the_whole_text_set_once(step: int) -> None:
    file = io.StringIO()
    with Growing(Console(file=file, width=60)) as growing:
        for end in range(step, len(TEXT) + step, step):
            growing.take(TEXT[:end])
    shown = file.getvalue()
    assert [shown.count(part) for part in ("Title", "A bold word.", "x = 1", "y = 2", "1 one", "2 two")] == [1] * 6


def test_what_was_there_stays_when_something_breaks_it_off() -> None:
    file = io.StringIO()
    with suppress(KeyboardInterrupt), Growing(Console(file=file, width=60)) as growing:
        growing.take("Half a sen")
        raise KeyboardInterrupt
    assert "Half a sen" in file.getvalue()
