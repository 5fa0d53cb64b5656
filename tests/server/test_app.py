"""Paths, methods, cross-origin access, and faults of our own."""

import pytest
from werkzeug.test import run_wsgi_app

from lms.errors import QueueFull
from lms.logbus.records import ServerLog
from tests.server.conftest import MakeSite, Site

CHAT = {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]}


def test_the_greeting_is_lm_studios(site: Site) -> None:
    assert site.client.get("/lmstudio-greeting").json == {"lmstudio": True}


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/api/v0/", "/api/v9/models", "/v1/models/", "/%00", "/%ff"]
)
def test_an_unknown_path_is_a_404_object_or_an_answer(site: Site, path: str) -> None:
    reply = site.client.get(path)
    assert reply.status_code in (200, 404)
    assert reply.is_json


def test_an_unknown_path_is_named(site: Site) -> None:
    error = site.client.post("/v1/nothing").json["error"]  # type: ignore[index]
    assert (error["code"], error["message"]) == ("path_not_found", "There is no endpoint POST /v1/nothing.")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/chat/completions", "POST"), ("POST", "/v1/models", "GET"), ("DELETE", "/api/v0/models/x", "GET")],
)
def test_a_wrong_method_is_a_405_that_says_which_are_right(site: Site, method: str, path: str, allowed: str) -> None:
    reply = site.client.open(path, method=method)
    assert (reply.status_code, reply.json["error"]["code"]) == (405, "method_not_allowed")  # type: ignore[index]
    assert allowed in reply.headers["Allow"]


@pytest.mark.parametrize("path", ["//v1/models", "/v1//models", "///v1///models"])
def test_doubled_slashes_do_not_matter(site: Site, path: str) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "x",
        "SERVER_PORT": "1",
        "wsgi.url_scheme": "http",
    }
    _, status, _ = run_wsgi_app(site.client.application.wsgi_app, environ)
    assert status == "200 OK"


def test_head_answers_without_a_body(site: Site) -> None:
    reply = site.client.head("/v1/models")
    assert (reply.status_code, reply.data) == (200, b"")


def test_without_cors_no_page_may_read_an_answer(site: Site) -> None:
    headers = site.client.get("/v1/models", headers={"Origin": "http://a"}).headers
    assert "Access-Control-Allow-Origin" not in headers


def test_with_cors_every_answer_may_be_read_errors_too(make_site: MakeSite) -> None:
    client = make_site(origins=("*",)).client
    replies = [client.get("/v1/models"), client.get("/nowhere"), client.post("/v1/completions")]
    assert [reply.headers["Access-Control-Allow-Origin"] for reply in replies] == ["*"] * 3


def test_with_cors_a_preflight_allows_what_the_openai_client_sends(make_site: MakeSite) -> None:
    reply = make_site(origins=("*",)).client.options("/v1/chat/completions", headers={"Origin": "http://a"})
    assert reply.status_code == 200
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in reply.headers["Access-Control-Allow-Headers"]
    assert "*" in reply.headers["Access-Control-Allow-Headers"]


def test_a_fault_of_ours_is_a_500_object_and_a_traceback_in_the_log(site: Site) -> None:
    site.backend.refusal = ZeroDivisionError("a bug")
    reply = site.post("/v1/chat/completions", **CHAT)
    assert (reply.status_code, reply.json["error"]["type"]) == (500, "server_error")
    assert "a bug" not in reply.text
    (trace, *_) = [entry for entry in site.log if isinstance(entry, ServerLog) and entry.level == "error"]
    assert "ZeroDivisionError: a bug" in trace.content


def test_what_the_backend_refuses_keeps_its_status(site: Site) -> None:
    site.backend.refusal = QueueFull("512 requests wait for tiny-chat.")
    reply = site.post("/v1/chat/completions", **CHAT, stream=True)
    assert (reply.status_code, reply.json["error"]["code"]) == (429, "queue_full")
    assert reply.headers["Retry-After"] == "1"
