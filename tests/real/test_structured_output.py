"""Structured output with the official OpenAI client against a real server with the bundled chat model.

The model is tiny: what it writes makes little sense, and yet has the form that was asked for, every time.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

import openai
import pytest
from openai import DefaultHttpxClient, OpenAI
from pydantic import BaseModel, Field

pytestmark = pytest.mark.real

CHAT = "tiny-chat"


class Mood(StrEnum):
    GLAD = "glad"
    SAD = "sad"


class Pet(BaseModel):
    kind: Literal["cat", "dog"]
    name: str = Field(max_length=12)


class Person(BaseModel):
    name: str = Field(max_length=16)
    age: int = Field(ge=0, le=150)
    mood: Mood
    pets: list[Pet] = Field(max_length=2)
    employer: str | None = Field(max_length=8)


@pytest.fixture(scope="module", params=["v1", "api/v0"])
def client(request: pytest.FixtureRequest, module_port: int) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"http://127.0.0.1:{module_port}/{request.param}",
        api_key="lm-studio",
        max_retries=0,
        timeout=60,
        http_client=DefaultHttpxClient(trust_env=False),
    ) as sdk:
        yield sdk


SAMPLED = [{"temperature": 0.0}, {"temperature": 1.0, "seed": 1}, {"temperature": 1.5, "top_p": 1.0, "seed": 2}]


def asking(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("sampling", SAMPLED, ids=str)
def test_an_answer_is_parsed_into_the_model_that_was_asked_for(client: OpenAI, sampling: dict[str, Any]) -> None:
    answer = client.chat.completions.parse(
        model=CHAT, messages=asking("Who lives here?"), response_format=Person, **sampling
    )
    assert isinstance(answer.choices[0].message.parsed, Person)
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("sampling", SAMPLED, ids=str)
def test_a_streamed_answer_is_too(client: OpenAI, sampling: dict[str, Any]) -> None:
    asked = {"model": CHAT, "messages": asking("Who lives here?"), "response_format": Person, **sampling}
    with client.chat.completions.stream(**asked) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        parsed = stream.get_final_completion().choices[0].message.parsed
    assert parsed == Person.model_validate_json("".join(pieces))
    assert len(pieces) > 10


def test_any_object_is_json(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=CHAT, messages=asking("Give me a JSON object."), response_format={"type": "json_object"}, temperature=0
    )
    assert answer.choices[0].finish_reason == "stop"
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_text_is_text(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=CHAT, messages=asking("Say this is a test!"), response_format={"type": "text"}, temperature=0
    )
    assert answer.choices[0].message.content == "This is a test!"


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"not": {"type": "string"}}, "not"),
        ({"type": "strin"}, "strin"),
        ({"type": "integer", "multipleOf": 1_000_003}, "too long"),
    ],
)
def test_a_schema_that_cannot_be_enforced_is_a_bad_request(
    client: OpenAI, schema: dict[str, Any], complaint: str
) -> None:
    asked: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match=complaint) as caught:
        client.chat.completions.create(model=CHAT, messages=asking("Hi"), response_format=asked)
    assert caught.value.param == "response_format.json_schema.schema"


def test_a_schema_that_cannot_be_enforced_is_a_bad_request_also_when_streaming(client: OpenAI) -> None:
    asked: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strin"}}}
    with pytest.raises(openai.BadRequestError, match="strin"):
        client.chat.completions.create(model=CHAT, messages=asking("Hi"), response_format=asked, stream=True)


def test_many_answers_at_once_each_have_their_own_form(client: OpenAI) -> None:
    streams = [
        client.chat.completions.create(
            model=CHAT,
            messages=asking("Pick one."),
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": [n, -n]}}},
            stream=True,
        )
        for n in range(10, 18)
    ]
    texts = ["".join(chunk.choices[0].delta.content or "" for chunk in stream) for stream in streams]
    assert [abs(int(text)) for text in texts] == list(range(10, 18))


def test_a_tool_may_be_called_instead(client: OpenAI) -> None:
    city: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    answer = client.chat.completions.create(
        model=CHAT,
        messages=asking("What is the weather in Paris?"),
        tools=[{"type": "function", "function": {"name": "get_weather", "parameters": city}}],
        response_format={"type": "json_object"},
        temperature=0,
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls
