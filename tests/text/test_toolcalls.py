"""Every family against its case files: an answer as the model wrote it, and the text and calls that are in it."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lms.generation.events import TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.text.splitter import Splitter
from lms.text.toolcalls import FAMILIES, family_for
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.hermes import HERMES

CASES = Path(__file__).parents[1] / "data" / "toolcalls"


def case_files() -> list[Any]:
    return [
        pytest.param(family, path, id=f"{family.name}-{path.stem}")
        for family in FAMILIES
        for path in sorted((CASES / family.name).glob("*.json"))
    ]


def split(family: Family, pieces: list[str]) -> dict[str, Any]:
    splitter = Splitter(None, family, map(str, count()))
    events = [event for piece in pieces for event in splitter.feed(piece)] + splitter.flush()
    names = {event.index: event.name for event in events if isinstance(event, ToolCallStarted)}
    arguments = dict.fromkeys(names, "")
    for event in events:
        if isinstance(event, ToolArgumentsDelta):
            arguments[event.index] += event.text
    return {
        "text": "".join(event.text for event in events if isinstance(event, TextDelta)),
        "calls": [{"name": names[index], "arguments": arguments[index]} for index in sorted(names)],
    }


@pytest.mark.parametrize(("family", "path"), case_files())
def test_a_case_gives_its_text_and_calls_wherever_it_is_cut(family: Family, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    answer, expected = case["answer"], {"text": case["text"], "calls": case["calls"]}
    assert split(family, [answer]) == expected
    assert split(family, list(answer)) == expected
    for cut in range(len(answer)):
        assert split(family, [answer[:cut], answer[cut:]]) == expected


def test_every_family_has_cases_and_every_case_a_family() -> None:
    assert {family.name for family in FAMILIES} == {folder.name for folder in CASES.iterdir()}


def test_the_template_says_which_family_its_model_writes() -> None:
    assert family_for("… within <tool_call></tool_call> tags …") is HERMES
    assert family_for("{{ messages }}") is None


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"name": "f", "arguments": ' + '{"a":' * 100_000 + "1" + "}" * 100_001]
)
def test_json_nested_without_end_is_no_call(body: str) -> None:
    assert HERMES.parse(body) == ()
