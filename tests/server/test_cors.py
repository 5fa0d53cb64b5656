"""Cross-origin access for some pages. That for all pages is in `test_app.py`."""

import pytest

from tests.server.conftest import MakeSite

ORIGIN = "https://a.example"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize("path", ["/v1/models", "/nowhere"])
def test_a_listed_page_may_read_answers_and_errors(make_site: MakeSite, path: str) -> None:
    reply = make_site(origins=(ORIGIN,)).client.get(path, headers={"Origin": ORIGIN})
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Request-Id" in reply.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", [None, "https://b.example", "http://a.example", "https://a.example:8443", "null"])
def test_no_other_page_may(make_site: MakeSite, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    for reply in (
        make_site(origins=(ORIGIN,)).client.get("/v1/models", headers=headers),
        make_site(origins=(ORIGIN,)).client.options("/v1/models", headers=headers),
    ):
        assert not [name for name, _ in reply.headers if name.startswith("Access-Control")]


def test_caches_are_told_that_answers_differ_by_origin(make_site: MakeSite) -> None:
    reply = make_site(origins=(ORIGIN,)).client.get("/v1/models")
    assert "Origin" in reply.headers["Vary"]


def test_a_public_page_may_call_into_the_private_network_when_it_asks(make_site: MakeSite) -> None:
    client = make_site(origins=(ORIGIN,)).client
    asking = PREFLIGHT | {"Access-Control-Request-Private-Network": "true"}
    name = "Access-Control-Allow-Private-Network"
    assert client.options("/v1/chat/completions", headers=asking).headers[name] == "true"
    assert name not in client.options("/v1/chat/completions", headers=PREFLIGHT).headers
