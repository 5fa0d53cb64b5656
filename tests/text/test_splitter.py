import json
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.generation.events import Event, ReasoningDelta, TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.generation.messages import Tool
from lms.text.reasoning import HARMONY as HARMONY_MARKERS
from lms.text.reasoning import THINK, Markers
from lms.text.splitter import Splitter
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.harmony import HARMONY
from lms.text.toolcalls.hermes import HERMES
from tests.text.cuts import made_of, pieces_of

CALL = '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'
TOOLS = [Tool("f")]


def splitter(reasoning: Markers | None = THINK, family: Family | None = HERMES, inside: bool = False) -> Splitter:
    return Splitter(reasoning, family, map(str, count()), TOOLS, inside_reasoning=inside)


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
            case ToolArgumentsDelta(index, before), ToolArgumentsDelta(_, text):
                result[-1] = ToolArgumentsDelta(index, before + text)
            case _:
                result.append(event)
    return result


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


def test_reasoning_may_be_left_in_the_text_and_a_call_in_it_is_none_all_the_same() -> None:
    split = Splitter(THINK, HERMES, map(str, count()), TOOLS, inline=True)
    events = fed(split, f"\n<think>Hm {CALL}</think>\n\nYes.{CALL}")
    text = TextDelta(f"\n<think>Hm {CALL}</think>\n\nYes.")
    assert joined(events) == [text, ToolCallStarted(0, "0", "f"), ToolArgumentsDelta(0, '{"a": 1}')]


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
def test_it_splits_the_same_way_however_the_answer_is_cut(pieces: list[str], inside: bool) -> None:
    assert joined(fed(splitter(inside=inside), *pieces)) == joined(fed(splitter(inside=inside), "".join(pieces)))


@given(pieces_of(made_of("<tool_call>", "</tool_call>", '{"name": ')))
def test_what_is_no_call_comes_through_to_the_letter(pieces: list[str]) -> None:
    events = joined(fed(splitter(reasoning=None), *pieces))
    assert events == ([TextDelta("".join(pieces))] if "".join(pieces) else [])


contents = st.text("b\n <", max_size=9).map("b".__add__)
arguments = st.dictionaries(st.text(max_size=3), st.text('é<>{}"\\\n/') | st.integers() | st.none(), max_size=3).map(
    json.dumps
)
parts = st.lists(
    contents.map(TextDelta)
    | st.text("a <>/\n", min_size=1).map(ReasoningDelta)
    | arguments.map(lambda text: ToolArgumentsDelta(0, text)),
    max_size=6,
)


def written(part: Event) -> str:
    match part:
        case ReasoningDelta(text):
            return f"<think>{text}</think>\n\n"
        case ToolArgumentsDelta(_, text):
            return f'<tool_call>\n{{"name": "f", "arguments": {text}}}\n</tool_call>\n'
        case TextDelta(text):
            return text
    raise AssertionError(part)


def numbered(parts: list[Event]) -> Iterator[Event]:
    numbers = count()
    for part in parts:
        if isinstance(part, ToolArgumentsDelta):
            number = next(numbers)
            yield ToolCallStarted(number, str(number), "f")
            yield ToolArgumentsDelta(number, part.text)
        else:
            yield part


@given(st.data(), parts)
def test_no_character_of_what_was_written_is_lost(data: st.DataObject, parts: list[Event]) -> None:
    answer = "".join(map(written, parts))
    events = fed(splitter(), *data.draw(pieces_of(st.just(answer))))
    assert joined(events) == joined(list(numbered(parts)))


def test_without_parallel_calls_the_answer_is_over_with_the_first() -> None:
    split = Splitter(None, HERMES, map(str, count()), TOOLS, parallel=False)
    events = split.feed(f"Well {CALL}{CALL} and so on")
    assert joined(events) == [TextDelta("Well "), ToolCallStarted(0, "0", "f"), ToolArgumentsDelta(0, '{"a": 1}')]
    assert split.is_over
    assert split.feed("more") + split.flush() == []


def test_without_parallel_calls_a_broken_one_is_the_last_too() -> None:
    split = Splitter(None, HERMES, map(str, count()), TOOLS, parallel=False)
    events = fed(split, CALL.replace("}}", "}]"), CALL)
    assert joined(events) == [ToolCallStarted(0, "0", "f"), ToolArgumentsDelta(0, '{"a": 1}')]


def test_white_space_that_an_answer_begins_with_is_layout_if_a_call_follows() -> None:
    call = [ToolCallStarted(0, "0", "f"), ToolArgumentsDelta(0, '{"a": 1}')]
    assert joined(fed(splitter(), "\n", "\n ", CALL, "\n")) == call
    assert joined(fed(splitter(), "\n", " Hello")) == [TextDelta("\n Hello")]
    assert joined(fed(splitter(), "\n", " ")) == [TextDelta("\n ")]
    assert joined(fed(splitter(), "\n<tool_call>", "no")) == [TextDelta("\n<tool_call>no")]


HARMONY_CALL = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("<|channel|>final<|message|>Hi", [TextDelta("Hi")]),
        (
            "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Hi",
            [ReasoningDelta("Hm"), TextDelta("Hi")],
        ),
        (
            "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant" + HARMONY_CALL,
            [TextDelta("I look."), ToolCallStarted(0, "0", "f"), ToolArgumentsDelta(0, "{}")],
        ),
        (
            "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant to=functions.f<|channel|>commentary json"
            "<|message|>{}",
            [ReasoningDelta("Hm"), ToolCallStarted(0, "0", "f"), ToolArgumentsDelta(0, "{}")],
        ),
        ('<|channel|>final <|constrain|>json<|message|>{"a": 1}', [TextDelta('{"a": 1}')]),
    ],
)
def test_the_channels_of_gpt_oss_are_told_apart(answer: str, expected: list[Event]) -> None:
    for pieces in ([answer], list(answer)):
        assert joined(fed(splitter(HARMONY_MARKERS, HARMONY), *pieces)) == expected


def test_arguments_are_passed_on_as_they_come() -> None:
    split = splitter()
    assert split.feed('<tool_call>{"name": "f", "arguments": {"a') == [
        ToolCallStarted(0, "0", "f"),
        ToolArgumentsDelta(0, '{"a'),
    ]
    assert split.feed('": 1') == [ToolArgumentsDelta(0, '": 1')]


def test_an_id_that_the_model_gave_counts_once() -> None:
    call = '<tool_call>{"name": "f", "id": "x", "arguments": {}}</tool_call>'
    assert [event.id for event in fed(splitter(), call, call) if isinstance(event, ToolCallStarted)] == ["x", "0"]


@given(pieces_of(st.just("<think>a</think>\n")), pieces_of(answers.map("{".__add__)))
def test_where_only_leading_markers_count_all_is_text_once_text_has_begun(start: list[str], rest: list[str]) -> None:
    leading = Splitter(THINK, HERMES, map(str, count()), TOOLS, only_leading=True)
    assert joined(fed(leading, *start, *rest)) == [ReasoningDelta("a"), TextDelta("".join(rest))]


def test_where_only_leading_markers_count_calls_may_still_lead() -> None:
    leading = Splitter(THINK, HERMES, map(str, count()), TOOLS, only_leading=True)
    events = fed(leading, f"{CALL}\n{CALL}")
    assert [event.id for event in events if isinstance(event, ToolCallStarted)] == ["0", "1"]
