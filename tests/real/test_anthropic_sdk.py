"""The official Anthropic client against a real server with the bundled models."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, DefaultHttpxClient
from anthropic.types import MessageParam, ToolParam

from tests.real.conftest import Lms

pytestmark = pytest.mark.real

CHAT, EMBEDDER = "tiny-chat", "text-embedding-tiny"
QUESTION: list[MessageParam] = [{"role": "user", "content": "Say this is a test!"}]
GREEDY = {"temperature": 0}  # which the client has no argument for any more
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}, "unit": {"enum": ["C", "F"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
}


@pytest.fixture(scope="module")
def client(module_port: int) -> Iterator[Anthropic]:
    """No retries and no proxies, so that what the server does is what is seen."""
    with Anthropic(
        base_url=f"http://127.0.0.1:{module_port}",
        api_key="lm-studio",
        max_retries=0,
        timeout=60,
        http_client=DefaultHttpxClient(trust_env=False),
    ) as sdk:
        yield sdk


def ask(client: Anthropic, **fields: Any) -> anthropic.types.Message:
    asked = {"model": CHAT, "max_tokens": 40, "messages": QUESTION, "extra_body": GREEDY} | fields
    message: anthropic.types.Message = client.messages.create(**asked)
    return message


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_a_message_is_answered(client: Anthropic) -> None:
    message = ask(client)
    assert (message.type, message.role, message.model) == ("message", "assistant", CHAT)
    assert message.id.startswith("msg_")
    assert text_of(message)
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.output_tokens > 0


def test_what_was_read_from_the_cache_is_counted_apart(client: Anthropic) -> None:
    ask(client)
    usage = ask(client).usage
    assert usage.cache_read_input_tokens
    counted = client.messages.count_tokens(model=CHAT, messages=QUESTION)
    assert usage.input_tokens + usage.cache_read_input_tokens == counted.input_tokens


def test_a_changing_billing_header_does_not_defeat_the_cache(client: Anthropic) -> None:
    def cached(number: int) -> int:
        header = f"x-anthropic-billing-header: cc_version=2.1.{number}; cch={number:05x};"
        system = [{"type": "text", "text": header}, {"type": "text", "text": "You like long stories. " * 12}]
        return ask(client, system=system, max_tokens=1).usage.cache_read_input_tokens or 0

    cached(1)
    assert cached(2) > 50


def test_the_stream_helper_adds_up_to_the_same_message(client: Anthropic) -> None:
    whole = ask(client)
    with client.messages.stream(model=CHAT, max_tokens=40, messages=QUESTION, extra_body=GREEDY) as stream:
        events = [event.type for event in stream]
        final = stream.get_final_message()
    assert text_of(final) == text_of(whole)
    assert (final.stop_reason, final.stop_sequence) == (whole.stop_reason, whole.stop_sequence)
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert [events[0], events[-1]] == ["message_start", "message_stop"]
    assert events.count("content_block_start") == events.count("content_block_stop") == 1


def test_a_stream_may_be_left_half_way(client: Anthropic) -> None:
    with client.messages.stream(model=CHAT, max_tokens=1000, messages=QUESTION) as stream:
        assert next(iter(stream.text_stream))
    assert ask(client).content


def test_a_stop_sequence_is_named(client: Anthropic) -> None:
    letter = text_of(ask(client))[2]
    message = ask(client, stop_sequences=[letter])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", letter)
    assert letter not in text_of(message)


def test_any_tool_is_called_with_arguments_that_are_valid(client: Anthropic) -> None:
    message = ask(client, tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=200)
    call = next(block for block in message.content if block.type == "tool_use")
    assert (message.stop_reason, call.name) == ("tool_use", "get_weather")
    assert isinstance(call.input, dict)
    assert set(call.input) == {"city", "unit"}
    assert call.input["unit"] in ("C", "F")


def test_a_streamed_call_is_the_same_call(client: Anthropic) -> None:
    fields: dict[str, Any] = {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}}
    whole = ask(client, max_tokens=200, **fields)
    with client.messages.stream(model=CHAT, max_tokens=200, messages=QUESTION, extra_body=GREEDY, **fields) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    assert [block.input for block in final.content if block.type == "tool_use"] == [
        block.input for block in whole.content if block.type == "tool_use"
    ]
    assert len(pieces) > 1


def test_a_conversation_with_a_tools_result_goes_on(client: Anthropic) -> None:
    called = ask(client, tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=200)
    call = next(block for block in called.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny."}
    turns = [*QUESTION, called.to_param(), {"role": "user", "content": [result]}]
    answer = ask(client, messages=turns, tools=[WEATHER], tool_choice={"type": "none"})
    assert text_of(answer)


def test_tokens_are_counted_with_everything_that_is_in_the_prompt(client: Anthropic) -> None:
    def count(**fields: Any) -> int:
        asked = {"model": CHAT, "messages": QUESTION} | fields
        return int(client.messages.count_tokens(**asked).input_tokens)

    assert 0 < count() < count(system="Be brief.") < count(system="Be brief.", tools=[WEATHER])


def test_the_beta_namespace_works_too(client: Anthropic) -> None:
    message = client.beta.messages.create(
        model=CHAT,
        max_tokens=5,
        messages=[{"role": "user", "content": "Hi"}],
        betas=["context-management-2025-06-27"],
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    )
    assert message.usage.output_tokens <= 5
    assert client.beta.messages.count_tokens(model=CHAT, messages=[{"role": "user", "content": "Hi"}]).input_tokens


def test_a_format_is_kept(client: Anthropic) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}
    schema["additionalProperties"] = False
    message = ask(client, max_tokens=100, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert text_of(message).replace(" ", "").replace("\n", "") in ('{"a":"x"}', '{"a":"y"}')


def test_an_unknown_model_is_not_found_and_the_message_names_the_others(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match=CHAT) as caught:
        ask(client, model="claude-opus-4-6")
    assert error_type(caught.value) == "not_found_error"


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_value_is_a_bad_request_that_names_its_field(client: Anthropic, stream: bool) -> None:
    with pytest.raises(anthropic.BadRequestError, match="temperature") as caught:
        ask(client, extra_body={"temperature": -1}, stream=stream)
    assert error_type(caught.value) == "invalid_request_error"


def test_anthropics_own_tools_are_refused_by_name(client: Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="web_search_20250305"):
        ask(client, tools=[{"type": "web_search_20250305", "name": "web_search"}])


def test_a_picture_is_refused_by_a_model_that_sees_none(client: Anthropic) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}}
    with pytest.raises(anthropic.BadRequestError, match=r"image|picture"):
        ask(client, messages=[{"role": "user", "content": [image]}])


def test_a_prompt_over_the_context_gives_both_numbers(client: Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match=r"\d+ tokens.*2048"):
        ask(client, messages=[{"role": "user", "content": "cat " * 5000}])


def test_an_embedding_model_writes_no_messages(client: Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="embedding model"):
        ask(client, model=EMBEDDER)


def test_what_this_server_does_not_have_is_not_found(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.batches.retrieve("msgbatch_1")
    assert error_type(caught.value) == "not_found_error"


def error_type(error: anthropic.APIStatusError) -> str:
    assert isinstance(error.body, dict)
    assert error.body["type"] == "error"
    return str(error.body["error"]["type"])


@pytest.fixture
def thinker(fake_lms: Lms) -> Iterator[Anthropic]:
    """A client of the fake engine, which thinks when it is told to."""
    fake_lms("server", "start", "--port", "0")
    port = json.loads(fake_lms("server", "status", "--json").stdout)["port"]
    with Anthropic(
        base_url=f"http://127.0.0.1:{port}",
        auth_token="lm-studio",
        max_retries=0,
        http_client=DefaultHttpxClient(trust_env=False),
    ) as sdk:
        yield sdk


def test_thoughts_are_signed_and_can_be_sent_back(thinker: Anthropic) -> None:
    asked: list[MessageParam] = [{"role": "user", "content": "think first: cats"}]
    with thinker.messages.stream(model=CHAT, max_tokens=500, messages=asked) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    thoughts, text = message.content
    assert thoughts.type == "thinking"
    assert (thoughts.thinking, bool(thoughts.signature)) == ("The user wants cats.", True)
    assert (text.type, text_of(message)) == ("text", "cats")
    assert kinds.index("thinking") < kinds.index("signature") < kinds.index("text")
    again = thinker.messages.create(model=CHAT, max_tokens=500, messages=[*asked, message.to_param(), *asked])
    assert text_of(again) == "cats"
