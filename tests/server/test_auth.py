"""Who is let in, with which token and for what."""

from pathlib import Path

import pytest

from lms.config.tokens import PERMISSIONS, Permission, TokenFile, new_token
from lms.errors import Unauthorized
from lms.server.auth import given, sent_token
from tests.server.conftest import MakeSite, Site

CHAT = {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]}


class Guarded:
    """A site that asks for tokens, and tokens for it."""

    def __init__(self, make_site: MakeSite, folder: Path, **options: object) -> None:
        self.file = TokenFile(folder / "tokens.json")
        self.site: Site = make_site(tokens=self.file, **options)

    def token(self, *permissions: Permission) -> str:
        whole, token = new_token("laptop", permissions, 0)
        self.file.add(token)
        return whole

    def status(self, method: str, path: str, token: str | None = None) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.site.client.open(path, method=method, json=CHAT, headers=headers).status_code


@pytest.fixture
def guarded(make_site: MakeSite, tmp_path: Path) -> Guarded:
    return Guarded(make_site, tmp_path)


def test_without_auth_any_token_is_as_good_as_none(site: Site) -> None:
    for headers in ({}, {"Authorization": "Bearer lm-studio"}, {"x-api-key": "x"}):
        assert site.client.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/api/v0/models", "/metrics", "/nowhere", "/v1/messages"])
def test_without_a_token_everything_is_a_401_that_says_what_to_send(guarded: Guarded, path: str) -> None:
    reply = guarded.site.client.get(path)
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "“Authorization: Bearer sk-lm-…”" in reply.json["error"]["message"]  # type: ignore[index]


def test_the_body_of_a_401_is_as_lm_studio_has_it(guarded: Guarded) -> None:
    error = guarded.site.client.get("/v1/models").json["error"]  # type: ignore[index]
    assert (error["type"], error["code"]) == ("invalid_request", "invalid_api_key")


def test_anthropics_clients_get_their_own_envelope(guarded: Guarded) -> None:
    body = guarded.site.client.post("/v1/messages", json={}).json
    assert (body["type"], body["error"]["type"]) == ("error", "authentication_error")  # type: ignore[index]


@pytest.mark.parametrize("path", ["/lmstudio-greeting", "/health", "/openapi.json", "/docs"])
def test_some_paths_are_for_everybody(guarded: Guarded, path: str) -> None:
    assert guarded.status("GET", path) == 200
    assert guarded.status("HEAD", path) == 200


@pytest.mark.parametrize("name", ["Authorization", "authorization", "x-api-key"])
def test_a_token_may_come_in_either_header(guarded: Guarded, name: str) -> None:
    token = guarded.token("inference")
    value = token if name == "x-api-key" else f"Bearer {token}"
    assert guarded.site.client.get("/v1/models", headers={name: value}).status_code == 200


@pytest.mark.parametrize(
    ("authorization", "api_key", "token"),
    [
        ("Bearer a", None, "a"),
        ("bearer  a ", None, "a"),
        ("Bearer a", "b", "a"),
        (None, "b", "b"),
        ("Basic eDp5", "b", "b"),
    ],
)
def test_the_bearer_token_goes_first(authorization: str | None, api_key: str | None, token: str) -> None:
    assert given(authorization, api_key) == token


@pytest.mark.parametrize(("authorization", "api_key"), [(None, None), ("", ""), ("Basic eDp5", None), ("sk-lm-x", "")])
def test_headers_without_a_token_are_none(authorization: str | None, api_key: str | None) -> None:
    with pytest.raises(Unauthorized):
        given(authorization, api_key)


@pytest.mark.parametrize(
    ("method", "path", "permissions", "status"),
    [
        ("POST", "/v1/chat/completions", ("inference",), 200),
        ("POST", "/v1/chat/completions", ("models", "admin", "mcp"), 403),
        ("GET", "/v1/models", ("inference",), 200),
        ("GET", "/v1/models", ("models",), 200),
        ("GET", "/v1/models", ("admin",), 403),
        ("GET", "/metrics", ("admin",), 200),
        ("GET", "/metrics", ("inference",), 403),
        ("GET", "/nowhere", ("inference",), 404),
        ("PUT", "/v1/models", ("inference",), 405),
    ],
)
def test_a_token_allows_what_it_was_made_for(
    guarded: Guarded, method: str, path: str, permissions: tuple[Permission, ...], status: int
) -> None:
    assert guarded.status(method, path, guarded.token(*permissions)) == status


def test_a_403_names_the_permission_that_is_missing(guarded: Guarded) -> None:
    headers = {"Authorization": f"Bearer {guarded.token('models')}"}
    error = guarded.site.client.post("/v1/chat/completions", json=CHAT, headers=headers).json["error"]  # type: ignore[index]
    assert (error["type"], error["code"]) == ("invalid_request", "permission_denied")
    assert "“laptop” lacks the permission “inference”" in error["message"]


def test_an_endpoint_that_is_missing_in_the_table_is_open_to_nobody(guarded: Guarded) -> None:
    guarded.site.client.application.add_url_rule("/new", view_func=lambda: "secret")
    assert guarded.status("GET", "/new") == 401
    assert guarded.status("GET", "/new", guarded.token(*PERMISSIONS)) == 403


def test_the_token_is_there_for_parts_of_a_request_that_ask_for_more(guarded: Guarded, site: Site) -> None:
    token = guarded.token("inference")
    with guarded.site.client as client:
        client.get("/v1/models", headers={"x-api-key": token})
        assert sent_token() == guarded.file.check(token)
    with site.client as client:
        client.get("/v1/models", headers={"x-api-key": token})
        assert sent_token() is None


def test_a_revoked_token_is_refused_by_the_server_that_runs(guarded: Guarded) -> None:
    token = guarded.token("inference")
    assert guarded.status("GET", "/v1/models", token) == 200
    guarded.file.remove(guarded.file.check(token).id)
    assert guarded.status("GET", "/v1/models", token) == 401


def test_a_preflight_needs_no_token(make_site: MakeSite, tmp_path: Path) -> None:
    guarded = Guarded(make_site, tmp_path, origins=("https://a",))
    reply = guarded.site.client.options("/v1/models", headers={"Origin": "https://a"})
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (200, "https://a")


def test_a_page_can_read_why_it_was_refused(make_site: MakeSite, tmp_path: Path) -> None:
    guarded = Guarded(make_site, tmp_path, origins=("https://a",))
    reply = guarded.site.client.get("/v1/models", headers={"Origin": "https://a"})
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (401, "https://a")
