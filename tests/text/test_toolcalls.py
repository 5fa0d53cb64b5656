"""Every family against its case files: an answer as the model wrote it, and the text and calls that are in it.

`tools` of a case are the functions that were offered; without it, those that are called, and “f”.
"""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.generation.events import TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.generation.messages import Tool
from lms.text.splitter import Splitter
from lms.text.toolcalls import DEFAULT, FAMILIES, family_for
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.hermes import HERMES
from tests.text.cuts import made_of, pieces_of

CASES = Path(__file__).parents[1] / "data" / "toolcalls"

Case = dict[str, Any]


def cases(family: Family) -> dict[str, Case]:
    files = sorted((CASES / family.name).glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


ALL = [
    pytest.param(family, case, id=f"{family.name}-{name}")
    for family in FAMILIES
    for name, case in cases(family).items()
]


def tools_of(case: Case) -> list[Tool]:
    named = {call["name"]: Tool(call["name"]) for call in case["calls"]} | {"f": Tool("f")}
    given = {fields["name"]: Tool(fields["name"], None, fields.get("parameters")) for fields in case.get("tools", ())}
    return list((given or named).values())


def split(family: Family, tools: list[Tool], pieces: list[str]) -> dict[str, Any]:
    splitter = Splitter(None, family, map(str, count()), tools)
    events = [event for piece in pieces for event in splitter.feed(piece)] + splitter.flush()
    calls = [
        {"name": event.name, "arguments": ""} | ({} if event.id.isdigit() else {"id": event.id})
        for event in events
        if isinstance(event, ToolCallStarted)
    ]
    for event in events:
        if isinstance(event, ToolArgumentsDelta):
            calls[event.index]["arguments"] += event.text
    return {"text": "".join(event.text for event in events if isinstance(event, TextDelta)), "calls": calls}


@pytest.mark.parametrize(("family", "case"), ALL)
def test_a_case_gives_its_text_and_calls_wherever_it_is_cut(family: Family, case: Case) -> None:
    answer, tools, expected = case["answer"], tools_of(case), {"text": case["text"], "calls": case["calls"]}
    assert split(family, tools, [answer]) == expected
    assert split(family, tools, list(answer)) == expected
    for cut in range(len(answer)):
        assert split(family, tools, [answer[:cut], answer[cut:]]) == expected


@pytest.mark.parametrize(("family", "case"), ALL)
@settings(max_examples=20)
@given(st.data())
def test_a_case_gives_the_same_in_any_pieces(family: Family, case: Case, data: st.DataObject) -> None:
    pieces = data.draw(pieces_of(st.just(case["answer"])))
    assert split(family, tools_of(case), pieces) == {"text": case["text"], "calls": case["calls"]}


def messy(family: Family) -> st.SearchStrategy[str]:
    """Texts of markers, calls and pieces of them, in any order."""
    answers = [case["answer"] for case in cases(family).values()]
    return made_of(*family.starts, *family.leading, *family.markers, *answers[:3], '{"', '"f"', "f", ">", "}", "]")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@settings(max_examples=60)
@given(st.data())
def test_no_mess_is_read_otherwise_in_pieces_and_none_is_lost_without_a_call(
    family: Family, data: st.DataObject
) -> None:
    pieces = data.draw(pieces_of(messy(family)))
    tools = [tool for case in list(cases(family).values())[:3] for tool in tools_of(case)]
    whole = split(family, tools, ["".join(pieces)])
    assert split(family, tools, pieces) == whole
    if not whole["calls"]:
        assert whole["text"] == "".join(pieces)


@pytest.mark.parametrize(("family", "case"), ALL)
def test_a_truncated_answer_gives_the_beginning_of_the_whole(family: Family, case: Case) -> None:
    """A call that has begun stays one, its arguments as far as they came; what had not begun is text as it stands."""
    for end in range(len(case["answer"])):
        cut = split(family, tools_of(case), [case["answer"][:end]])
        whole = case["calls"][: len(cut["calls"])]
        assert [call["name"] for call in cut["calls"]] == [call["name"] for call in whole]
        assert all(a["arguments"].startswith(b["arguments"]) for a, b in zip(whole, cut["calls"], strict=True))
        assert all(a == b for a, b in list(zip(whole, cut["calls"], strict=True))[:-1])
        if not cut["calls"]:
            assert cut["text"] == case["answer"][:end]


@pytest.mark.parametrize(("family", "case"), ALL)
def test_an_answer_without_calls_comes_through_to_the_letter(family: Family, case: Case) -> None:
    assert split(family, [Tool("unknown")], [case["answer"]]) == {"text": case["answer"], "calls": []}


# Where strings have no quotes they are written as they stand: without what could be a marker, and line breaks at their
# ends are layout.
WORDS = st.text("aé \n\t\"'\\{}[]:,0-").map(lambda text: text.strip("\n"))
TYPED = Tool(
    "f",
    None,
    {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "count": {"type": "integer"},
            "list": {"type": "array"},
            "yes": {"type": "boolean"},
            "any": {"type": ["object", "null"]},
        },
    },
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": WORDS,
    "count": st.integers(),
    "list": st.lists(WORDS | st.none() | st.booleans(), max_size=3),
    "yes": st.booleans(),
    "any": st.none() | st.dictionaries(WORDS, st.integers(), max_size=2),
}
WRITERS = [pytest.param(family, id=family.name) for family in FAMILIES if family.write]


@pytest.mark.parametrize("family", WRITERS)
@settings(max_examples=50)
@given(st.data(), st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=3))
def test_what_is_written_is_read_whatever_the_arguments(
    family: Family, data: st.DataObject, wanted: list[dict[str, Any]]
) -> None:
    assert family.write is not None
    answer = family.write([("f", json.dumps(arguments, ensure_ascii=False)) for arguments in wanted])
    found = split(family, [TYPED], data.draw(pieces_of(st.just(answer))))
    assert [json.loads(call["arguments"]) for call in found["calls"]] == wanted
    assert found["text"] == ""


WHOLE = [
    param for param in ALL if param.values[1]["calls"] and not param.values[1]["text"] and "cut_off" not in param.id
]


@pytest.mark.parametrize(("family", "case"), WHOLE)
def test_an_answer_twice_in_a_row_gives_its_calls_twice(family: Family, case: Case) -> None:
    answer = f"{case['answer']}\n{case['answer']}"
    calls = [(call["name"], call["arguments"]) for call in case["calls"]]
    for pieces in ([answer], list(answer)):
        found = split(family, tools_of(case), pieces)
        assert [(call["name"], call["arguments"]) for call in found["calls"]] == calls * 2


def test_every_family_has_cases_and_every_case_a_family() -> None:
    assert {family.name for family in FAMILIES} == {folder.name for folder in CASES.iterdir()}


def test_the_template_says_which_family_its_model_writes() -> None:
    assert family_for('… within <tool_call></tool_call> tags … {"name": …') is HERMES
    assert family_for("{{ messages }}") is DEFAULT
