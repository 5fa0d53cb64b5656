import json
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.generation.events import Event, ReasoningDelta, TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.text.reasoning import THINK, Markers
from lms.text.splitter import Splitter
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.hermes import HERMES
from tests.text.cuts import made_of, pieces_of

CALL = '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'


def splitter(reasoning: Markers | None = THINK, family: Family | None = HERMES, inside: bool = False) -> Splitter:
    return Splitter(reasoning, family, map(str, count()), inside_reasoning=inside)


def fed(splitter: Splitter, *pieces: str) -> list[Event]:
    return [event for piece in pieces for event in splitter.feed(piece)] + splitter.flush()


def joined(events: list[Event]) -> list[Event]:
    """The same events with neighbouring deltas of a kind made one."""
    result: list[Event] = []
    for event in events:
        match (result[-1] if result else None), event:
            case TextDelta(before), TextDelta(text):
                result[-1] = TextDelta(before + text)
            case ReasoningDelta(before), ReasoningDelta(text):
                result[-1] = ReasoningDelta(before + text)
            case _:
                result.append(event)
    return result


def naive(text: str, inside: bool) -> list[Event]:
    """The oracle: the whole answer at once, one part after the other."""
    parts: list[str | Event] = []
    calls = 0
    if inside:
        reasoning, end, text = text.partition(THINK.end)
        parts, text = [ReasoningDelta(reasoning)], text.lstrip()
    while text:
        starts = [(text.find(marker), marker) for marker in (THINK.start, HERMES.start) if marker in text]
        position, marker = min(starts, default=(len(text), ""))
        parts.append(text[:position])
        text = text[position + len(marker) :]
        if marker == THINK.start:
            reasoning, _, text = text.partition(THINK.end)
            parts.append(ReasoningDelta(reasoning))
            text = text.lstrip()
        elif marker == HERMES.start:
            body, end, text = text.partition(HERMES.end)
            parsed = HERMES.parse(body) if end else ()
            if parsed:
                parts += [ToolCallStarted(calls, str(calls), parsed[0].name)]
                parts += [ToolArgumentsDelta(calls, parsed[0].arguments)]
                calls, text = calls + 1, text.lstrip()
            else:
                parts.append(marker + body + end)
    events = [TextDelta(part) if isinstance(part, str) else part for part in parts]
    return joined([event for event in events if getattr(event, "text", "a call")])


def test_text_passes_at_once_and_only_a_possible_marker_is_held_back() -> None:
    split = splitter()
    assert split.feed("a < b <t") == [TextDelta("a < b ")]
    assert split.feed("able>") == [TextDelta("<table>")]
    assert split.flush() == []


def test_a_held_back_tail_is_let_go_at_the_end() -> None:
    assert joined(fed(splitter(), "see <tool_c")) == [TextDelta("see <tool_c")]


def test_reasoning_is_told_from_content_and_the_layout_between_them_dropped_once() -> None:
    events = fed(splitter(), "<think>Hm", "…\n</thi", "nk>\n", "\n Hello \n", " you")
    assert joined(events) == [ReasoningDelta("Hm…\n"), TextDelta("Hello \n you")]


def test_reasoning_may_have_been_opened_by_the_prompt() -> None:
    split = splitter(inside=True)
    assert split.in_reasoning
    assert joined(fed(split, "Hm.</think>", "Hello")) == [ReasoningDelta("Hm."), TextDelta("Hello")]
    assert not split.in_reasoning


def test_reasoning_that_is_cut_off_stays_reasoning() -> None:
    assert joined(fed(splitter(), "<think>Hm </th")) == [ReasoningDelta("Hm </th")]


def test_a_call_named_in_reasoning_is_not_made() -> None:
    assert joined(fed(splitter(), "<think>" + CALL + "</think>Yes")) == [
        ReasoningDelta(CALL),
        TextDelta("Yes"),
    ]


def test_markers_in_the_arguments_of_a_call_are_part_of_them() -> None:
    body = json.dumps({"name": "f", "arguments": {"a": "<think> <tool_call>"}})
    split = splitter()
    assert fed(split, f"<tool_call>{body}</tool_call>") == [
        ToolCallStarted(0, "0", "f"),
        ToolArgumentsDelta(0, '{"a": "<think> <tool_call>"}'),
    ]
    assert split.calls == 1


def test_several_calls_count_their_index_and_take_an_id_each() -> None:
    assert fed(splitter(), CALL, "\n", CALL) == [
        ToolCallStarted(0, "0", "f"),
        ToolArgumentsDelta(0, '{"a": 1}'),
        ToolCallStarted(1, "1", "f"),
        ToolArgumentsDelta(1, '{"a": 1}'),
    ]


def test_without_tools_a_call_is_text() -> None:
    assert joined(fed(splitter(family=None), CALL)) == [TextDelta(CALL)]


@pytest.mark.parametrize("inside", [False, True])
def test_without_markers_reasoning_is_text(inside: bool) -> None:
    assert joined(fed(splitter(None, None, inside), "<think>a</think>\nb")) == [TextDelta("<think>a</think>\nb")]


answers = made_of("<think>", "</think>", "<tool_call>", "</tool_call>", CALL, '{"name": "f"}')


@given(pieces_of(answers), st.booleans())
def test_it_splits_as_the_naive_splitter_does_however_the_answer_is_cut(pieces: list[str], inside: bool) -> None:
    assert joined(fed(splitter(inside=inside), *pieces)) == naive("".join(pieces), inside)


@given(pieces_of(made_of("<tool_call>", "</tool_call>", '{"name": ')))
def test_what_is_no_call_comes_through_to_the_letter(pieces: list[str]) -> None:
    events = joined(fed(splitter(reasoning=None), *pieces))
    assert events == ([TextDelta("".join(pieces))] if "".join(pieces) else [])


turns = st.lists(st.tuples(st.text("a <>/\n", min_size=1), st.text("b\n <", max_size=9).map("b".__add__)), max_size=4)


@given(st.data(), turns)
def test_no_character_of_the_reasoning_or_the_content_is_lost(
    data: st.DataObject, turns: list[tuple[str, str]]
) -> None:
    answer = "".join(f"<think>{reasoning}</think>\n\n{content}" for reasoning, content in turns)
    expected = [event for reasoning, content in turns for event in (ReasoningDelta(reasoning), TextDelta(content))]
    assert joined(fed(splitter(family=None), *data.draw(pieces_of(st.just(answer))))) == expected


@given(pieces_of(st.just("<think>a</think>\n")), pieces_of(answers.map("{".__add__)))
def test_where_only_leading_markers_count_all_is_text_once_text_has_begun(start: list[str], rest: list[str]) -> None:
    leading = Splitter(THINK, HERMES, map(str, count()), only_leading=True)
    assert joined(fed(leading, *start, *rest)) == [ReasoningDelta("a"), TextDelta("".join(rest))]


def test_where_only_leading_markers_count_calls_may_still_lead() -> None:
    leading = Splitter(THINK, HERMES, map(str, count()), only_leading=True)
    events = fed(leading, f"{CALL}\n{CALL}")
    assert [event.id for event in events if isinstance(event, ToolCallStarted)] == ["0", "1"]
