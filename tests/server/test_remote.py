"""What of the daemon's own API the server hands on, to whom, and how."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.client.calls import Relayed
from lms.config.tokens import PERMISSIONS, Permission, TokenFile, new_token
from lms.errors import DaemonUnreachable
from lms.server.endpoints import ENDPOINTS, REMOTE, Endpoint
from tests.server.conftest import MakeSite, Site
from tests.server.test_endpoints import routes


class Daemon:
    """Answers with what it was asked, in pieces, and knows whether it was hung up on."""

    def __init__(self, status: int = 200, breaks: bool = False) -> None:
        self.hung_up = 0
        self._status = status
        self._breaks = breaks

    def relay(self, method: str, path: str, body: bytes) -> Relayed:
        return Relayed(self._status, "application/x-ndjson", self._pieces(method, path, body), self._hang_up)

    def _pieces(self, method: str, path: str, body: bytes) -> Iterator[bytes]:
        yield f"{method} {path}\n".encode()
        if self._breaks:
            raise DaemonUnreachable("The daemon does not answer.")
        yield body

    def _hang_up(self) -> None:
        self.hung_up += 1


def headers(file: TokenFile, *permissions: Permission) -> dict[str, str]:
    whole, token = new_token("laptop", permissions, 0)
    file.add(token)
    return {"Authorization": f"Bearer {whole}"}


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def ask(site: Site, endpoint: Endpoint, sent: dict[str, str]) -> tuple[int, bytes]:
    with site.client.open(endpoint.rule, method=endpoint.method, data=b"{}", headers=sent) as reply:
        return reply.status_code, reply.data


@pytest.mark.parametrize("endpoint", REMOTE, ids=lambda endpoint: f"{endpoint.method} {endpoint.rule}")
def test_only_an_administrators_token_opens_it(make_site: MakeSite, tokens: TokenFile, endpoint: Endpoint) -> None:
    daemon = Daemon()
    site = make_site(tokens=tokens, relay=daemon.relay)
    others = [permission for permission in PERMISSIONS if permission != "admin"]
    assert ask(site, endpoint, {})[0] == 401
    assert ask(site, endpoint, headers(tokens, *others))[0] == 403
    assert daemon.hung_up == 0
    body = b"{}" if endpoint.method == "POST" else b""
    answer = f"{endpoint.method} {endpoint.rule}\n".encode() + body
    assert ask(site, endpoint, headers(tokens, "admin")) == (200, answer)
    assert daemon.hung_up == 1


@pytest.mark.parametrize("endpoint", REMOTE, ids=lambda endpoint: f"{endpoint.method} {endpoint.rule}")
def test_a_server_that_asks_for_no_tokens_hands_nothing_on(
    make_site: MakeSite, tokens: TokenFile, endpoint: Endpoint
) -> None:
    site = make_site(relay=Daemon().relay)
    status, body = ask(site, endpoint, headers(tokens, *PERMISSIONS))
    assert (status, b"--require-auth" in body) == (403, True)


def test_the_routes_are_those_of_the_table_and_no_public_ones(make_site: MakeSite) -> None:
    site = make_site(relay=Daemon().relay)
    table = {(endpoint.method, endpoint.rule) for endpoint in (*ENDPOINTS, *REMOTE)}
    assert routes(site.client.application) == table
    assert not any(path.startswith("/internal") for path in site.client.get("/openapi.json").json["paths"])  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"words": "qwen", "endpoint": "http://elsewhere"}', 403),
        ('{"model": "owner/name", "token": "hf_1"}', 403),
        ('{"model": "qwen", "config": {"lora": [{"path": "/etc/passwd"}]}}', 403),
        ('{"words": "qwen", "config": 5, "endpoint": "http://elsewhere"}', 400),
        ("[]", 400),
        ('{"words": "qwen", "endpoint": null, "config": {"threads": 2}}', 200),
    ],
)
def test_neither_hubs_nor_files_of_the_servers_machine_can_be_named(
    make_site: MakeSite, tokens: TokenFile, body: str, status: int
) -> None:
    site = make_site(tokens=tokens, relay=Daemon().relay)
    sent = headers(tokens, "admin")
    assert site.client.post("/internal/hub/search", data=body, headers=sent).status_code == status


@pytest.mark.parametrize("path", ["mcp", "shutdown", "server/start", "server/stop", "metrics", "jit", "anything"])
def test_the_rest_of_the_daemons_api_is_not_there(make_site: MakeSite, tokens: TokenFile, path: str) -> None:
    site = make_site(tokens=tokens, relay=Daemon().relay)
    assert site.client.post(f"/internal/{path}", headers=headers(tokens, "admin")).status_code == 404


def test_an_error_of_the_daemon_is_handed_on_as_it_is(make_site: MakeSite, tokens: TokenFile) -> None:
    site = make_site(tokens=tokens, relay=Daemon(status=409).relay)
    reply = site.client.post("/internal/load", data=b"{}", headers=headers(tokens, "admin"))
    assert (reply.status_code, reply.data) == (409, b"POST /internal/load\n{}")


def test_an_answer_that_breaks_off_does_not_look_whole(make_site: MakeSite, tokens: TokenFile) -> None:
    daemon = Daemon(breaks=True)
    site = make_site(tokens=tokens, relay=daemon.relay)
    with pytest.raises(DaemonUnreachable):
        site.client.get("/internal/logs", headers=headers(tokens, "admin"), buffered=True)
    assert daemon.hung_up == 1
    assert "The daemon does not answer." in site.lines()[-1]
