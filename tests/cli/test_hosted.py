import json

import pytest

from lms.cli.hosted import INSTEAD
from tests.cli.conftest import Terminal


@pytest.mark.parametrize("word", INSTEAD)
@pytest.mark.parametrize("rest", [(), ("--help",), ("-i", "something", "--private", "--overrides", "{}")])
def test_what_needs_lm_studios_hub_says_in_one_line_what_to_use(
    lms: Terminal, word: str, rest: tuple[str, ...]
) -> None:
    ended = lms.type(word, *rest)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"Error: {INSTEAD[word]}\n"


def test_to_programs_it_says_so_in_json(lms: Terminal) -> None:
    ended = lms.type("link", "status", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert json.loads(ended.err)["error"] == {"code": "usage_error", "message": INSTEAD["link"]}


def test_none_of_them_is_in_the_help(lms: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    lms.type("--help")
    shown = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "load" in shown
    assert not shown & set(INSTEAD)
