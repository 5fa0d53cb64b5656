"""What an engine complains of goes by the name that the field has where it was asked for."""

from typing import Any

import pytest

from lms.errors import EngineFailed, InvalidRequest, LmsError, PromptTooLong, Unsupported, to_wire
from lms.generation.events import Failed
from tests.server.conftest import MakeSite

SAID: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": SAID,
    "/api/v0/chat/completions": SAID,
    "/v1/chat/completions/input_tokens": SAID,
    "/v1/completions": {"prompt": "Hi"},
    "/v1/responses": {"input": "Hi"},
    "/v1/responses/input_tokens": {"input": "Hi"},
    "/api/v1/chat": {"input": "Hi"},
}
TOO_LONG = PromptTooLong("It is too long.")
NO_CONVERSATION = InvalidRequest("The template does not like it.", param="messages")
ALWAYS_ON = Unsupported("This model always reasons.", param="enable_thinking")
NO_EFFORT = Unsupported("This model always reasons.", param="reasoning_effort")


def complaint(make_site: MakeSite, error: LmsError, path: str, **fields: Any) -> Any:
    """What is said of a request that the engine complains of so."""
    site = make_site([(Failed(to_wire(error)),)])
    return site.post(path, model="tiny-chat", **BODIES.get(path, {}) | fields).json["error"]


@pytest.mark.parametrize("error", [TOO_LONG, NO_CONVERSATION], ids=["no field", "a field"])
@pytest.mark.parametrize("path", BODIES)
def test_a_complaint_about_the_conversation_names_its_field(make_site: MakeSite, error: LmsError, path: str) -> None:
    (field,) = BODIES[path]
    assert complaint(make_site, error, path)["param"] == field


def test_so_does_one_about_one_of_several_prompts(make_site: MakeSite) -> None:
    assert complaint(make_site, TOO_LONG, "/v1/completions", n=2)["param"] == "prompt"


@pytest.mark.parametrize(
    ("error", "path", "fields", "named"),
    [
        (ALWAYS_ON, "/v1/chat/completions", {"enable_thinking": False}, "enable_thinking"),
        (NO_EFFORT, "/v1/chat/completions", {"reasoning_effort": "none"}, "reasoning_effort"),
        (
            ALWAYS_ON,
            "/v1/chat/completions",
            {"chat_template_kwargs": {"enable_thinking": False}},
            "chat_template_kwargs.enable_thinking",
        ),
        (NO_EFFORT, "/v1/responses", {"reasoning": {"effort": "none"}}, "reasoning.effort"),
        (NO_EFFORT, "/v1/responses", {"reasoning_effort": "none"}, "reasoning_effort"),
        (ALWAYS_ON, "/v1/responses", {"enable_thinking": False}, "enable_thinking"),
        (ALWAYS_ON, "/api/v1/chat", {}, "reasoning"),
    ],
)
def test_a_switch_that_cannot_be_followed_is_named_as_it_was_given(
    make_site: MakeSite, error: LmsError, path: str, fields: dict[str, Any], named: str
) -> None:
    assert complaint(make_site, error, path, **fields)["param"] == named


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize(
    ("error", "named"), [(ALWAYS_ON, "thinking"), (NO_EFFORT, "output_config.effort"), (TOO_LONG, "prompt is too long")]
)
def test_anthropics_message_begins_with_the_name(make_site: MakeSite, error: LmsError, path: str, named: str) -> None:
    told = complaint(make_site, error, path, **SAID, max_tokens=9)
    assert told["message"] == f"{named}: {error.message}"


def test_a_failure_of_the_engine_is_nobodys_field(make_site: MakeSite) -> None:
    assert complaint(make_site, EngineFailed("It broke."), "/v1/chat/completions")["param"] is None
