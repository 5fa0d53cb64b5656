"""Who may use which MCP servers: the two settings, and the permission of API tokens."""

import time
from pathlib import Path
from typing import Any

import pytest

from lms.config.tokens import Permission, TokenFile, new_token
from lms.server.tools.access import McpAccess
from tests.mcp.processes import Host
from tests.server.conftest import MakeSite, Site

CHAT, RESPONSES = "/api/v1/chat", "/v1/responses"


def wanting(path: str, configured: bool, url: str = "http://127.0.0.1:1/mcp") -> dict[str, Any]:
    """A body that wants one server."""
    body = {"model": "tiny-chat", "input": "Hi"}
    if path == CHAT:
        ephemeral = {"type": "ephemeral_mcp", "server_label": "hub", "server_url": url}
        return body | {"integrations": ["mcp/files" if configured else ephemeral]}
    tool = {"type": "mcp", "server_label": "files" if configured else "hub"}
    return body | {"tools": [tool if configured else tool | {"server_url": url}]}


def refused(reply: Any, path: str) -> str:
    """The message of a refusal."""
    error = reply.json["error"]
    param = "integrations" if path == CHAT else "tools"
    assert (reply.status_code, error["type"], error["param"]) == (403, "invalid_request", param)
    return str(error["message"])


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize("configured", [False, True])
def test_without_the_setting_a_server_is_denied(make_site: MakeSite, path: str, configured: bool) -> None:
    other = McpAccess(allow_ephemeral=configured, allow_mcp_json=not configured)
    said = refused(make_site(mcp=other).post(path, **wanting(path, configured)), path)
    assert ("allow_mcp_json" if configured else "allow_ephemeral_mcp") in said


@pytest.mark.parametrize(
    ("path", "configured", "said"),
    [
        (CHAT, True, "Permission denied to use plugin 'mcp/files'. Ensure that the server configuration allows plugin"),
        (CHAT, False, "Permission denied to use ephemeral MCP server 'hub'. "),
        (RESPONSES, True, "Permission denied to use local MCP server 'files'. "),
        (RESPONSES, False, "Permission denied to use MCP server 'hub'. "),
    ],
)
def test_a_refusal_names_the_server(make_site: MakeSite, path: str, configured: bool, said: str) -> None:
    assert refused(make_site().post(path, **wanting(path, configured)), path).startswith(said)


class TestWithBothSettings:
    @pytest.fixture
    def mcp(self, host: Host) -> McpAccess:
        return McpAccess(lambda lost: host.socket_path, allow_ephemeral=True, allow_mcp_json=True)

    @pytest.fixture
    def tokens(self, tmp_path: Path) -> TokenFile:
        return TokenFile(tmp_path / "tokens.json")

    @pytest.fixture
    def site(self, make_site: MakeSite, mcp: McpAccess, tokens: TokenFile) -> Site:
        return make_site(mcp=mcp, tokens=tokens)

    def post(self, site: Site, tokens: TokenFile, permissions: tuple[Permission, ...], path: str, body: Any) -> Any:
        whole, token = new_token("mine", permissions, time.time())
        tokens.add(token)
        return site.client.post(path, json=body, headers={"Authorization": f"Bearer {whole}"})

    @pytest.mark.parametrize("path", [CHAT, RESPONSES])
    def test_servers_of_mcp_json_need_a_server_that_asks_for_tokens(
        self, make_site: MakeSite, mcp: McpAccess, path: str
    ) -> None:
        assert "--require-auth" in refused(make_site(mcp=mcp).post(path, **wanting(path, True)), path)

    @pytest.mark.parametrize("path", [CHAT, RESPONSES])
    @pytest.mark.parametrize("configured", [False, True])
    def test_a_token_needs_the_permission(
        self, site: Site, tokens: TokenFile, hub: str, path: str, configured: bool
    ) -> None:
        body = wanting(path, configured, hub)
        assert "lacks the permission “mcp”" in refused(self.post(site, tokens, ("inference",), path, body), path)
        assert site.engine.calls == []
        assert self.post(site, tokens, ("inference", "mcp"), path, body).status_code == 200

    @pytest.mark.parametrize("path", [CHAT, RESPONSES])
    def test_ephemeral_servers_are_for_everybody_where_no_tokens_are_asked_for(
        self, make_site: MakeSite, mcp: McpAccess, hub: str, path: str
    ) -> None:
        assert make_site(mcp=mcp).post(path, **wanting(path, False, hub)).status_code == 200


def test_the_permission_alone_allows_no_chat(make_site: MakeSite, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    whole, token = new_token("mine", ("mcp",), time.time())
    tokens.add(token)
    headers = {"Authorization": f"Bearer {whole}"}
    reply = make_site(tokens=tokens).client.post(CHAT, json=wanting(CHAT, True), headers=headers)
    assert reply.status_code == 403
