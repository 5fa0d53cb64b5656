"""`/v1/responses` through the official OpenAI client, against a real server with the bundled model."""

import json
from collections.abc import Iterator
from typing import Literal

import openai
import pytest
from openai import DefaultHttpxClient, OpenAI
from openai.types.responses import (
    CustomToolParam,
    EasyInputMessageParam,
    FunctionToolParam,
    Response,
    ResponseCustomToolCall,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseTextDeltaEvent,
)
from pydantic import BaseModel

from tests.real.conftest import Lms

pytestmark = pytest.mark.real

MODEL = "tiny-chat"
QUESTION = "Say this is a test!"
WEATHER = FunctionToolParam(
    type="function",
    name="get_weather",
    description="Get the current weather for a location",
    parameters={
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
    strict=True,
)


def connected(port: int) -> OpenAI:
    """No retries and no proxies, so that what the server does is what is seen."""
    return OpenAI(
        base_url=f"http://127.0.0.1:{port}/v1",
        api_key="lm-studio",
        max_retries=0,
        timeout=60,
        http_client=DefaultHttpxClient(trust_env=False),
    )


@pytest.fixture(scope="module")
def client(module_port: int) -> Iterator[OpenAI]:
    with connected(module_port) as sdk:
        yield sdk


def ask(client: OpenAI, said: str = QUESTION, previous: str | None = None) -> Response:
    return client.responses.create(
        model=MODEL, input=said, previous_response_id=previous, temperature=0, max_output_tokens=40
    )


def test_a_text_is_answered(client: OpenAI) -> None:
    response = ask(client)
    assert (response.object, response.model) == ("response", MODEL)
    assert response.output_text
    assert response.usage
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_the_tokens_of_a_request_are_counted_without_answering_it(client: OpenAI) -> None:
    first = ask(client)
    counted = client.responses.input_tokens.count(
        model=MODEL, input="More", previous_response_id=first.id, instructions="Be brief."
    )
    answered = client.responses.create(
        model=MODEL, input="More", previous_response_id=first.id, instructions="Be brief.", max_output_tokens=1
    )
    assert answered.usage
    assert counted.input_tokens == answered.usage.input_tokens


def test_instructions_and_messages_make_one_prompt(client: OpenAI) -> None:
    said = [EasyInputMessageParam(role="user", content="Introduce yourself.")]
    rhymed = client.responses.create(
        model=MODEL, instructions="Always answer in rhymes.", input=[said[0]], temperature=0
    )
    plain = client.responses.create(model=MODEL, input=[said[0]], temperature=0)
    assert rhymed.output_text != plain.output_text
    assert rhymed.instructions == "Always answer in rhymes."


def test_plain_events_come_in_order_and_add_up(client: OpenAI) -> None:
    events = list(
        client.responses.create(model=MODEL, input=QUESTION, temperature=0, max_output_tokens=40, stream=True)
    )
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if isinstance(event, ResponseTextDeltaEvent))
    assert text == ask(client).output_text


def test_the_stream_helper_understands_the_stream(client: OpenAI) -> None:
    with client.responses.stream(model=MODEL, input=QUESTION, temperature=0, max_output_tokens=40) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert snapshots[-1] == final.output_text == ask(client).output_text


def test_a_streamed_response_is_gone_on_from_at_once(client: OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="My name is Alice.", temperature=0) as stream:
        first = stream.get_final_response()
    assert "Alice" in ask(client, "What is my name?", first.id).output_text


def test_branches_know_their_own_past_only(client: OpenAI) -> None:
    root = ask(client, "Hello!")
    alice, bob = (ask(client, f"My name is {name}.", root.id) for name in ("Alice", "Bob"))
    assert "Alice" in ask(client, "What is my name?", alice.id).output_text
    assert "Bob" in ask(client, "What is my name?", bob.id).output_text


def test_the_past_is_not_processed_again(client: OpenAI) -> None:
    first = ask(client, "My name is Alice.")
    second = ask(client, "What is my name?", first.id)
    assert first.usage
    assert second.usage
    assert second.usage.input_tokens_details.cached_tokens > first.usage.input_tokens


def test_a_response_is_retrieved_listed_and_deleted(client: OpenAI) -> None:
    response = ask(client)
    assert client.responses.retrieve(response.id) == response
    (item,) = client.responses.input_items.list(response.id)
    assert (item.type, item.content[0].text) == ("message", QUESTION)  # type: ignore[union-attr]
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.retrieve(response.id)
    assert caught.value.code == "response_not_found"


def test_more_items_than_a_page_holds_are_all_listed(client: OpenAI) -> None:
    said = [EasyInputMessageParam(role="user", content=str(number)) for number in range(7)]
    response = client.responses.create(model=MODEL, input=[*said], max_output_tokens=1)
    items = client.responses.input_items.list(response.id, limit=3, order="asc")
    assert [item.content[0].text for item in items] == [str(number) for number in range(7)]  # type: ignore[union-attr]


def test_what_is_not_stored_cannot_be_gone_on_from(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input=QUESTION, store=False, max_output_tokens=5)
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "More", response.id)
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")


def test_a_function_is_called_and_its_result_used(client: OpenAI) -> None:
    first = client.responses.create(
        model=MODEL, input="What's the weather like in Paris?", tools=[WEATHER], tool_choice="required", temperature=0
    )
    (call,) = (item for item in first.output if isinstance(item, ResponseFunctionToolCall))
    assert json.loads(call.arguments).keys() == {"location"}
    second = client.responses.create(
        model=MODEL,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": '{"temperature": 21}'}],
        tools=[WEATHER],
        previous_response_id=first.id,
        temperature=0,
    )
    assert "21" in second.output_text


def test_a_custom_tool_is_called_with_a_text_of_its_form(client: OpenAI) -> None:
    choose = CustomToolParam(
        type="custom", name="choose", format={"type": "grammar", "syntax": "regex", "definition": "red|green"}
    )
    with client.responses.stream(model=MODEL, input="Choose.", tools=[choose], tool_choice="required") as stream:
        told = [event for event in stream if event.type == "response.custom_tool_call_input.done"]
        (call,) = stream.get_final_response().output
    assert isinstance(call, ResponseCustomToolCall)
    assert call.input in ("red", "green")
    assert [event.input for event in told] == [call.input]


def test_a_schema_is_enforced_and_parsed(client: OpenAI) -> None:
    class Note(BaseModel):
        colour: Literal["red", "green"]
        done: bool

    response = client.responses.parse(model=MODEL, input="Write a note.", text_format=Note)
    assert isinstance(response.output_parsed, Note)


def test_probabilities_come_with_the_text(client: OpenAI) -> None:
    response = client.responses.create(
        model=MODEL,
        input=QUESTION,
        include=["message.output_text.logprobs"],
        top_logprobs=2,
        temperature=0,
        max_output_tokens=5,
    )
    (message,) = (item for item in response.output if isinstance(item, ResponseOutputMessage))
    (part,) = message.content
    assert part.type == "output_text"
    assert part.logprobs
    assert "".join(entry.token for entry in part.logprobs) == part.text
    assert all(len(entry.top_logprobs) == 2 and entry.logprob <= 0 for entry in part.logprobs)


def test_a_wrong_field_is_a_bad_request_that_names_it(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=MODEL, input=QUESTION, background=True)
    assert (caught.value.param, caught.value.code) == ("background", "unsupported")


def test_an_input_over_the_context_is_refused_unless_it_may_be_cut(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="2048") as caught:
        ask(client, "cat " * 5000)
    assert caught.value.code == "context_length_exceeded"
    cut = client.responses.create(model=MODEL, input="cat " * 5000, truncation="auto", max_output_tokens=5)
    assert cut.usage
    assert cut.usage.input_tokens < 2048


def served(lms: Lms) -> OpenAI:
    """A client of a server that is started now."""
    lms("server", "start", "--port", "0")
    return connected(json.loads(lms("server", "status", "--json").stdout)["port"])


def test_responses_outlive_the_daemon(lms: Lms) -> None:
    with served(lms) as before:
        response = ask(before, "My name is Alice.")
    lms("daemon", "down")
    assert lms.home.history.stat().st_mode & 0o777 == 0o600
    with served(lms) as after:
        assert after.responses.retrieve(response.id) == response
        assert "Alice" in ask(after, "What is my name?", response.id).output_text


def test_a_server_that_is_to_keep_nothing_keeps_nothing_and_says_so(fake_lms: Lms) -> None:
    fake_lms.environ["LMS_RESPONSE_DAYS"] = "0"
    with served(fake_lms) as client:
        response = ask(client)
        assert response.to_dict()["store"] is False
        with pytest.raises(openai.BadRequestError, match="response_days"):
            ask(client, "More", response.id)
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model=MODEL, input=QUESTION, store=True)
    assert caught.value.param == "store"
