"""Items of the input, and the conversation that they amount to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.errors import InvalidRequest, LmsError, Unsupported
from lms.generation.messages import Image, Message, Text, ToolCall
from lms.server.openai.responses import sealed
from lms.server.openai.responses.items import Item, Reference, conversation, listed, read

TYPES = ["message", "function_call", "function_call_output", "reasoning", "item_reference", "input_text", "input_image"]
TYPES += ["output_text", "refusal", "reasoning_text", "summary_text", "compaction"]
NAMES = ["id", "status", "role", "content", "call_id", "name", "arguments", "namespace", "output", "summary"]
NAMES += ["encrypted_content", "text", "image_url", "refusal", "annotations"]
VALUES: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        st.none() | st.integers() | st.sampled_from(["", "user", "assistant", "a", DOT]) | st.lists(FIELDS, max_size=3)
    )
)
FIELDS = st.builds(
    lambda kind, fields: fields | {"type": kind},
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5),
)

DOT = "data:image/png;base64,iVBORw0KGgo="


def item(fields: dict[str, Any]) -> Item:
    found = read(fields, "input[0]")
    assert not isinstance(found, Reference)
    return found


def messages(*items: dict[str, Any]) -> tuple[Message, ...]:
    return conversation((f"input[{index}]", item(fields)) for index, fields in enumerate(items))


def said(role: str, content: object = "Hi", **fields: object) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content} | fields


def thought(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}


def called(call_id: str = "call_1", name: str = "look") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}


def answered(call_id: str = "call_1", output: object = "sunny") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


@pytest.mark.parametrize(
    ("role", "ours"), [("user", "user"), ("assistant", "assistant"), ("system", "system"), ("developer", "system")]
)
def test_a_developer_speaks_as_the_system_does(role: str, ours: str) -> None:
    assert messages(said(role)) == (Message(ours, "Hi"),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        "Hi",
        [{"type": "input_text", "text": "Hi"}],
        [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
        [{"type": "refusal", "refusal": "Hi"}],
    ],
)
def test_text_may_come_in_every_form_it_has(content: object) -> None:
    assert messages(said("assistant", content)) == (Message("assistant", "Hi"),)


def test_several_texts_are_lines() -> None:
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]
    assert messages(said("user", parts)) == (Message("user", "a\nb"),)


def test_a_message_needs_no_type() -> None:
    assert messages({"role": "user", "content": "Hi"}) == (Message("user", "Hi"),)


@pytest.mark.parametrize(
    "fields", [{"id": "msg_1"}, {"type": None, "id": "msg_1"}, {"type": "item_reference", "id": "msg_1"}]
)
def test_a_reference_needs_no_type(fields: dict[str, Any]) -> None:
    assert read(fields, "input[0]") == Reference(id="msg_1")


def test_a_picture_stands_between_texts() -> None:
    parts = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": DOT}]
    ((text, image),) = [message.content for message in messages(said("user", parts))]
    assert text == Text("What is it?")
    assert isinstance(image, Image)
    assert (image.data, image.param) == (b"\x89PNG\r\n\x1a\n", "input[0].content[1].image_url")


def test_what_a_function_returned_may_be_a_picture() -> None:
    (message,) = messages(answered(output=[{"type": "input_image", "image_url": DOT}]))
    assert (message.role, message.tool_call_id) == ("tool", "call_1")
    assert isinstance(message.content[0], Image)


def test_what_the_model_thought_said_and_called_is_one_message() -> None:
    assert messages(thought("Hm."), said("assistant", "Let me see."), called("a"), called("b")) == (
        Message(
            "assistant", "Let me see.", (ToolCall("a", "look", "{}"), ToolCall("b", "look", "{}")), reasoning="Hm."
        ),
    )


def test_calls_and_their_outputs_are_a_conversation() -> None:
    assert messages(said("user"), thought("Hm."), called("a"), answered("a"), said("assistant", "Sunny.")) == (
        Message("user", "Hi"),
        Message("assistant", tool_calls=(ToolCall("a", "look", "{}"),), reasoning="Hm."),
        Message("tool", "sunny", tool_call_id="a"),
        Message("assistant", "Sunny."),
    )


def test_after_a_call_the_model_begins_a_new_message() -> None:
    told = messages(called("a"), said("assistant", "Wait."), thought("Hm."), thought(" Well."), called("b"))
    assert [(message.content, message.reasoning, len(message.tool_calls)) for message in told] == [
        ("", None, 1),
        ("Wait.", None, 0),
        ("", "Hm. Well.", 1),
    ]


def test_what_two_users_say_stays_apart() -> None:
    assert messages(said("user", "a"), said("user", "b")) == (Message("user", "a"), Message("user", "b"))


def test_a_function_of_a_namespace_goes_by_both_names() -> None:
    (message,) = messages(called() | {"namespace": "crm"})
    assert message.tool_calls[0].name == "crm__look"


def test_calls_of_custom_tools_are_calls_with_one_argument() -> None:
    made = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": 'say "hi"'}
    done = {"type": "custom_tool_call_output", "call_id": "a", "output": "done"}
    assert messages(made, done) == (
        Message("assistant", tool_calls=(ToolCall("a", "patch", '{"input":"say \\"hi\\""}'),)),
        Message("tool", "done", tool_call_id="a"),
    )


def test_sealed_reasoning_is_read_where_nothing_else_is_there() -> None:
    (message,) = messages({"type": "reasoning", "summary": [], "encrypted_content": sealed.seal("Hm – •")})
    assert message.reasoning == "Hm – •"


def test_a_summary_is_better_than_nothing() -> None:
    (message,) = messages({"type": "reasoning", "summary": [{"type": "summary_text", "text": "In short."}]})
    assert message.reasoning == "In short."


@pytest.mark.parametrize("content", ["gAAAAABx", "lms1.!", "lms1./w==", "lms1", ""])
def test_what_another_server_sealed_is_refused(content: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages({"type": "reasoning", "summary": [], "encrypted_content": content})
    assert caught.value.param == "input[0].encrypted_content"


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"type": "computer_call", "id": "c"}, Unsupported, "input[0].type"),
        ({"type": 3}, InvalidRequest, "input[0].type"),
        ({}, InvalidRequest, "input[0].id"),
        ({"role": "narrator", "content": "Hi"}, InvalidRequest, "input[0].role"),
        ({"role": "user"}, InvalidRequest, "input[0].content"),
        (said("user", [{"type": "input_text"}]), InvalidRequest, "input[0].content[0].text"),
        (said("user", [{"type": "input_audio"}]), InvalidRequest, "input[0].content[0].type"),
        (said("user", [{"type": "input_file", "file_id": "f"}]), Unsupported, "input[0].content[0]"),
        (said("user", [{"type": "input_image", "file_id": "f"}]), Unsupported, "input[0].content[0].file_id"),
        (said("user", [{"type": "input_image"}]), InvalidRequest, "input[0].content[0].image_url"),
        (
            said("user", [{"type": "input_image", "image_url": "https://example.org/a.png"}]),
            InvalidRequest,
            "input[0].content[0].image_url",
        ),
        ({"type": "function_call", "call_id": "", "name": "f", "arguments": ""}, InvalidRequest, "input[0].call_id"),
        ({"type": "function_call_output", "call_id": "a"}, InvalidRequest, "input[0].output"),
        ({"type": "item_reference", "id": "x" * 129}, InvalidRequest, "input[0].id"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_read_is_refused_by_its_path(fields: dict[str, Any], kind: type[LmsError], param: str) -> None:
    with pytest.raises(kind) as caught:
        messages(fields)
    assert caught.value.param == param


def test_listed_items_have_ids_a_status_and_parts() -> None:
    shown = [listed(item(fields)) for fields in (said("user"), said("assistant"), called(), answered(), thought("Hm."))]
    assert [(each["id"].split("_")[0], each["status"]) for each in shown] == [
        ("msg", "completed"),
        ("msg", "completed"),
        ("fc", "completed"),
        ("fco", "completed"),
        ("rs", "completed"),
    ]
    assert shown[0]["content"] == [{"type": "input_text", "text": "Hi"}]
    assert shown[1]["content"] == [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]
    assert (shown[4]["id"], shown[4]["summary"]) == ("rs_1", [])


@pytest.mark.parametrize("fields", [said("user"), said("assistant"), called(), answered(), thought("Hm.")])
def test_a_listed_item_means_what_it_meant(fields: dict[str, Any]) -> None:
    assert messages(listed(item(fields))) == messages(fields)


def refused(fields: dict[str, Any]) -> str | None:
    """The path of what is wrong with an item, if anything is."""
    try:
        found = read(fields, "input[0]")
        if not isinstance(found, Reference):
            conversation([("input[0]", found)])
            listed(found)
    except LmsError as error:
        return error.param
    return None


@given(FIELDS)
def test_any_item_is_read_or_refused_by_its_path(fields: dict[str, Any]) -> None:
    assert (refused(fields) or "input[0]").startswith("input[0]")
