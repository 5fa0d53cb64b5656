"""The line a request leaves in the log."""

import pytest

from lms.logbus.records import ServerLog
from lms.server.access import WATCHED, level, line, request_id
from lms.server.endpoints import ENDPOINTS
from tests.server.conftest import MakeSite, Site


def test_a_line_says_what_was_asked_and_what_came_of_it() -> None:
    assert line("POST", "/v1/embeddings", 200, 12, None) == "POST /v1/embeddings 200 12 ms"


def test_a_problem_is_told() -> None:
    assert line("GET", "/x", 404, 0, "There is no endpoint.") == "GET /x 404 0 ms: There is no endpoint."


@pytest.mark.parametrize("hostile", ["/a\nGET /b 200 1 ms", "/\x1b[31mred", "/a b"])
def test_a_path_cannot_write_a_line_or_a_colour_of_its_own(hostile: str) -> None:
    assert line("GET", hostile, 404, 0, hostile).isprintable()


@pytest.mark.parametrize(("status", "expected"), [(200, "info"), (404, "warn"), (500, "error")])
def test_the_level_follows_the_status(status: int, expected: str) -> None:
    assert level(status, "/v1/models") == expected


@pytest.mark.parametrize(("status", "expected"), [(200, "debug"), (401, "warn"), (503, "error")])
def test_what_is_asked_all_the_time_is_not_kept_while_all_is_well(status: int, expected: str) -> None:
    assert level(status, "/health") == expected


def test_every_endpoint_that_is_not_kept_is_there() -> None:
    assert set(WATCHED) <= {endpoint.path for endpoint in ENDPOINTS}


def test_each_request_leaves_one_line(site: Site) -> None:
    site.client.get("/v1/models").close()
    site.client.get("/nowhere").close()
    assert [entry.split(" ms")[0].rsplit(" ", 1)[0] for entry in site.lines()] == [
        "GET /v1/models 200",
        "GET /nowhere 404",
    ]


def test_a_stream_leaves_its_line_when_it_is_over(make_site: MakeSite) -> None:
    site = make_site()
    reply = site.client.post("/v1/completions", json={"model": "tiny-chat", "prompt": "a", "stream": True})
    assert site.lines() == []
    reply.get_data()
    reply.close()
    assert site.lines()[0].startswith("POST /v1/completions 200 ")


def test_every_answer_has_an_id_which_the_log_has_too(site: Site) -> None:
    replies = [site.client.get("/v1/models"), site.client.get("/nowhere"), site.client.post("/v1/completions")]
    ids = [reply.headers["X-Request-Id"] for reply in replies]
    for reply in replies:
        reply.close()
    assert len(set(ids)) == 3
    assert [entry.request.id for entry in site.log if isinstance(entry, ServerLog) and entry.request] == ids


def test_a_client_may_bring_its_own_id(site: Site) -> None:
    sent = "3f2a:job-17.b_4"
    assert site.client.get("/v1/models", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", [None, "", "a b", "a\tb", "x" * 129, "é"])
def test_an_id_that_is_not_fit_for_a_log_is_not_taken_over(sent: str | None) -> None:
    assert request_id(sent).startswith("req_")


def test_the_log_has_a_request_in_figures_by_its_endpoint(site: Site) -> None:
    site.client.get("/v1/models/tiny-chat").close()
    (entry,) = [entry for entry in site.log if isinstance(entry, ServerLog)]
    assert entry.request is not None
    assert (entry.request.method, entry.request.status) == ("GET", 200)
    assert entry.request.endpoint == "/v1/models/{model}"
    assert entry.request.total_time_sec >= 0


def test_anthropics_clients_find_the_id_where_they_look_for_it(site: Site) -> None:
    headers = site.client.post("/v1/messages", json={}).headers
    assert headers["Request-Id"] == headers["X-Request-Id"]
