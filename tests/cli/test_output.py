"""Data and talk go separate ways, and neither puts an escape sequence where no terminal is."""

import pytest

from lms.cli.output import Output, Styled, Table, columns, fitting, visible
from tests.cli.conftest import Stream

GREEN = "\x1b[32mok\x1b[0m"
TABLE = Table(("NAME", "SIZE"), (("qwen", Styled("4 GB", "green")), ("a\nb", "1 B")))


def output(environ: dict[str, str] | None = None, *, terminal: bool = False) -> tuple[Output, Stream, Stream]:
    out, err = Stream(terminal=terminal), Stream(terminal=terminal)
    return Output(out, err, environ or {}), out, err


def test_data_goes_to_stdout_and_talk_to_stderr() -> None:
    sink, out, err = output()
    sink.data("data")
    sink.say("done")
    sink.warn("careful")
    assert (out.getvalue(), err.getvalue()) == ("data\n", "done\nWarning: careful\n")


@pytest.mark.parametrize(
    ("environ", "terminal", "shown"),
    [
        ({}, True, GREEN),
        ({}, False, "ok"),
        ({"NO_COLOR": "1"}, True, "ok"),
        ({"NO_COLOR": ""}, True, GREEN),
        ({"FORCE_COLOR": "1"}, False, GREEN),
        ({"FORCE_COLOR": "0"}, True, "ok"),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, "ok"),
        ({"TERM": "dumb"}, True, "ok"),
    ],
)
def test_colours_follow_the_terminal_and_the_environment(environ: dict[str, str], terminal: bool, shown: str) -> None:
    sink, out, err = output(environ, terminal=terminal)
    sink.data(Styled("ok", "green"))
    sink.say(Styled("ok", "green"))
    assert (out.getvalue(), err.getvalue()) == (f"{shown}\n", f"{shown}\n")


def test_each_stream_is_judged_by_itself() -> None:
    out, err = Stream(), Stream(terminal=True)
    sink = Output(out, err, {})
    sink.data(Styled("ok", "green"))
    sink.say(Styled("ok", "green"))
    assert (out.getvalue(), err.getvalue()) == ("ok\n", f"{GREEN}\n")


def test_a_table_in_a_pipe_is_plain_columns_four_spaces_apart() -> None:
    sink, out, _ = output()
    sink.table(TABLE)
    assert out.getvalue() == "NAME    SIZE\nqwen    4 GB\na b     1 B \n"


def test_a_table_on_a_terminal_says_the_same_in_colour() -> None:
    sink, out, _ = output({"TERM": "xterm"}, terminal=True)
    sink.table(TABLE)
    assert "\x1b[32m4 GB" in out.getvalue()
    assert "a b" in out.getvalue()


def test_a_narrow_terminal_folds_long_cells_and_no_header() -> None:
    headers = ("IDENTIFIER", "PARALLEL", "TTL")
    sink, out, _ = output({"NO_COLOR": "1"}, terminal=True)
    sink.table(Table(headers, (("a" * 100, "4", "58m / 1h"),)))
    first, *rest = out.getvalue().splitlines()
    assert first.split() == list(headers)
    assert "".join(line.split()[0] for line in rest) == "a" * 100


def test_a_table_on_a_terminal_without_colours_has_no_escape_sequence() -> None:
    sink, out, _ = output({"NO_COLOR": "1", "TERM": "xterm"}, terminal=True)
    sink.table(TABLE)
    assert "\x1b" not in out.getvalue()


def test_a_table_without_rows_is_not_shown() -> None:
    sink, out, _ = output()
    sink.table(Table(("NAME",), ()))
    assert out.getvalue() == ""


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    lines = list(columns(Table(("A", "B"), (("long name", "x"),))))
    assert [str(line[0].text) for line in lines if isinstance(line[0], Styled)] == ["A            ", "long name    "]


def test_a_name_cannot_steer_the_terminal() -> None:
    sink, out, _ = output({"NO_COLOR": "1"}, terminal=True)
    sink.data("evil\x1b[2J")
    assert out.getvalue() == "evil\\x1b[2J\n"
    assert visible("a\tb\nc") == "a\tb\nc"


def test_data_for_a_program_is_not_touched() -> None:
    sink, out, _ = output()
    sink.data("bell\x07")
    assert out.getvalue() == "bell\x07\n"


def test_there_is_no_progress_bar_in_a_pipe() -> None:
    sink, out, err = output()
    with sink.progress("Loading") as progress:
        progress(0.5)
    assert out.getvalue() + err.getvalue() == ""


def test_a_progress_bar_is_drawn_on_stderr() -> None:
    sink, out, err = output({"TERM": "xterm"}, terminal=True)
    with sink.progress("Loading tiny-chat") as progress:
        progress(0.5)
        progress(1.0)
    assert out.getvalue() == ""
    assert "Loading tiny-chat" in err.getvalue()


def test_quiet_hides_talk_and_keeps_data() -> None:
    sink, out, err = output()
    sink.level = "none"
    sink.data("data")
    sink.say("done")
    sink.fail("no")
    sink.fail_as_json({})
    assert (out.getvalue(), err.getvalue()) == ("data\n", "")


def test_an_error_lists_what_could_have_been_meant() -> None:
    sink, _, err = output()
    sink.fail("Which?", "Say which.", ("a", "b"))
    assert err.getvalue() == "Error: Which?\n  a\n  b\nSay which.\n"


def test_a_narrow_terminal_is_spared_columns_until_the_rest_fits() -> None:
    table = Table(("NAME", "SIZE", "PLACE"), (("tiny", "3.90 MB", "here"),), spare=("PLACE", "SIZE"))
    assert [fitting(table, width).headers for width in (20, 19, 13, 12, 1)] == [
        ("NAME", "SIZE", "PLACE"),
        ("NAME", "SIZE"),
        ("NAME", "SIZE"),
        ("NAME",),
        ("NAME",),
    ]
