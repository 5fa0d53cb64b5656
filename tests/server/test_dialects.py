"""Which dialect an error is told in, and what the dialects make of it."""

import pytest

from lms import errors
from lms.server import sse
from lms.server.anthropic.dialect import ANTHROPIC
from lms.server.dialect import OPENAI, Dialect
from lms.server.dialects import dialect_at
from tests.server.conftest import Site


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/messages", ANTHROPIC),
        ("/v1/messages/", ANTHROPIC),
        ("/v1/messages/count_tokens", ANTHROPIC),
        ("/v1/messages/nothing/here", ANTHROPIC),
        ("/v1/messages-of-others", OPENAI),
        ("/v1/chat/completions", OPENAI),
        ("/", OPENAI),
    ],
)
def test_paths_decide_on_the_dialect(path: str, dialect: Dialect) -> None:
    assert dialect_at(path) is dialect


def test_anthropic_has_its_own_envelope() -> None:
    assert ANTHROPIC.error_body(errors.InvalidRequest("“model” is required.", param="model")) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "“model” is required."},
    }


def test_anthropic_names_the_field_in_the_message() -> None:
    body = ANTHROPIC.error_body(errors.InvalidRequest("This is wrong.", param="messages[0]"))
    assert body["error"]["message"] == "messages[0]: This is wrong."


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.ModelNotFound("?"), 404, "not_found_error"),
        (errors.PayloadTooLarge("?"), 413, "request_too_large"),
        (errors.QueueFull("?"), 429, "rate_limit_error"),
        (errors.EngineFailed("?"), 500, "api_error"),
        (errors.NotEnoughMemory("?"), 529, "overloaded_error"),
        (errors.MethodNotAllowed("?"), 405, "invalid_request_error"),
    ],
)
def test_anthropic_has_its_own_statuses_and_types(error: errors.LmsError, status: int, kind: str) -> None:
    assert (ANTHROPIC.status(error), ANTHROPIC.error_body(error)["error"]["type"]) == (status, kind)


def test_silence_is_a_ping_in_anthropics_streams() -> None:
    (ping,) = sse.frames(iter([()]), lambda error: None, ANTHROPIC.framing)
    assert ping == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_a_path_without_an_endpoint_answers_in_the_dialect_of_its_neighbours(site: Site) -> None:
    reply = site.post("/v1/messages/batches")
    assert (reply.status_code, reply.json["type"], reply.json["error"]["type"]) == (404, "error", "not_found_error")


def test_elsewhere_errors_are_openais(site: Site) -> None:
    assert site.post("/v1/nothing").json["error"]["code"] == "path_not_found"
