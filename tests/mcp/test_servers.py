"""`mcp.json`, entry by entry."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.errors import InvalidRequest, LmsError, McpConnectionError, Unsupported
from lms.mcp.servers import Local, Reachable, Remote, ServersFile


def read(folder: Path, content: bytes, label: str = "a") -> Reachable:
    (folder / "mcp.json").write_bytes(content)
    return ServersFile(folder / "mcp.json").server(label, "integrations[0]")


def written(entry: object) -> bytes:
    return msgspec.json.encode({"mcpServers": {"a": entry}})


@pytest.mark.parametrize(
    ("entry", "server"),
    [
        ({"url": "http://localhost:1/mcp"}, Remote("http://localhost:1/mcp")),
        ({"url": "https://a/sse", "type": "sse", "headers": {"k": "v"}}, Remote("https://a/sse", {"k": "v"}, "sse")),
        ({"command": "npx"}, Local("npx")),
        (
            {"command": "uvx", "args": ["b", "-c"], "env": {"K": "v"}, "autoApprove": ["d"], "type": "stdio"},
            Local("uvx", ("b", "-c"), {"K": "v"}),
        ),
    ],
)
def test_an_entry_is_a_server(tmp_path: Path, entry: object, server: Reachable) -> None:
    assert read(tmp_path, written(entry)) == server


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b"", McpConnectionError, "mcp.json is wrong"),
        (b"\xff", McpConnectionError, "mcp.json is wrong"),
        (b"[]", McpConnectionError, "mcp.json is wrong"),
        (written({"url": 3}), McpConnectionError, "$.url"),
        (written({}), McpConnectionError, "`url`"),
        (written({"command": "a", "args": "b"}), McpConnectionError, "$.args"),
        (b"{}", InvalidRequest, "lists no servers"),
        (b'{"mcpServers":{"b":{"command":"c"},"d":0}}', InvalidRequest, "There are: b, d."),
        (written({"url": "http://b", "auth": {"CLIENT_ID": "c"}}), Unsupported, "OAuth"),
    ],
)
def test_what_cannot_be_used_says_why(tmp_path: Path, content: bytes, kind: type[LmsError], said: str) -> None:
    with pytest.raises(kind) as caught:
        read(tmp_path, content)
    assert said in str(caught.value)


def test_a_wrong_entry_is_no_obstacle_to_others(tmp_path: Path) -> None:
    assert read(tmp_path, b'{"mcpServers":{"a":{"command":"c"},"b":{"url":3}}}') == Local("c")


def test_without_a_file_there_are_no_servers(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ServersFile(tmp_path / "mcp.json").server("a", "tools[1]")
    assert caught.value.param == "tools[1]"


def test_a_change_counts_at_once(tmp_path: Path) -> None:
    entries: list[Any] = [{"command": "b"}, {"command": "c"}]
    assert [read(tmp_path, written(entry)) for entry in entries] == [Local("b"), Local("c")]
