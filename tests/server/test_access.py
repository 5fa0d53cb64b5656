"""The line a request leaves in the log."""

import pytest

from lms.server.access import level, line
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
    assert level(status) == expected


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
