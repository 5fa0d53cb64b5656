"""The table of statuses and the shape of an error's body."""

from lms import errors
from lms.server.errors import RETRY_AFTER_S, STATUS, openai_body, status


def test_every_error_of_the_tree_has_a_status() -> None:
    assert set(STATUS) == set(errors.tree())


def test_no_status_is_a_success() -> None:
    assert all(400 <= code < 600 for code in STATUS.values())


def test_the_body_is_an_object_with_openais_four_fields() -> None:
    body = openai_body(errors.InvalidRequest("temperature must be 0 or more.", param="temperature"))
    assert body == {
        "error": {
            "message": "temperature must be 0 or more.",
            "type": "invalid_request_error",
            "param": "temperature",
            "code": "invalid_request",
        }
    }


def test_the_hint_is_part_of_the_message() -> None:
    body = openai_body(errors.ModelNotFound("No model is called “x”.", hint="Installed: tiny-chat."))
    assert body["error"]["message"] == "No model is called “x”. Installed: tiny-chat."


def test_an_error_about_the_model_names_the_field_model() -> None:
    assert openai_body(errors.ModelNotFound("?"))["error"]["param"] == "model"


def test_a_full_queue_may_be_tried_again() -> None:
    error = errors.QueueFull("full")
    assert (status(error), openai_body(error)["error"]["type"]) == (429, "rate_limit_error")


def test_a_failure_of_ours_is_not_the_clients_fault() -> None:
    assert openai_body(errors.EngineFailed("died"))["error"]["type"] == "server_error"


def test_every_429_and_503_says_when_to_try_again() -> None:
    assert set(RETRY_AFTER_S) == {kind for kind in errors.tree() if STATUS[kind] in (429, 503)}
    assert all(0 < seconds <= 60 for seconds in RETRY_AFTER_S.values())  # OpenAI's SDK heeds no more


def test_who_may_not_is_refused_in_lm_studios_words() -> None:
    for kind in (errors.Unauthorized, errors.PermissionDenied):
        assert openai_body(kind("no"))["error"]["type"] == "invalid_request"
