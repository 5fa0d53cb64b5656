"""By which names a model knows the tools of several servers, and what it reads of what they return."""

from typing import Any

import pytest

from lms.errors import InvalidRequest
from lms.generation.messages import Tool
from lms.mcp.protocol import Configured, ToolSpec
from lms.server.requests.fields import NODES_LIMIT
from lms.server.tools.access import WantedServer
from lms.server.tools.outcome import Outcome
from lms.server.tools.toolbox import named


def offer(label: str, name: str, schema: dict[str, Any] | None = None) -> tuple[WantedServer, ToolSpec]:
    server = WantedServer(label, Configured(), None, f"integrations[{label}]", "plugin", f"plugin 'mcp/{label}'")
    return server, ToolSpec(name, schema or {"type": "object"}, f"{name} of {label}")


def test_a_tool_keeps_its_name_where_it_is_the_only_one() -> None:
    assert named([offer("a", "read")])["read"].tool == Tool("read", "read of a", {"type": "object"})


def test_tools_of_one_name_are_known_by_their_servers() -> None:
    remote = named([offer("a", "read"), offer("b", "read"), offer("b", "write")], taken=["write"])
    assert {name: (each.server.label, each.name) for name, each in remote.items()} == {
        "a__read": ("a", "read"),
        "b__read": ("b", "read"),
        "b__write": ("b", "write"),
    }


@pytest.mark.parametrize("taken", [["read", "a__read"], []])
def test_names_that_are_still_the_same_are_refused(taken: list[str]) -> None:
    offers = [offer("a", "read")] if taken else [offer("a", "read"), offer("a", "read")]
    with pytest.raises(InvalidRequest) as caught:
        named(offers, taken)
    assert caught.value.param == "integrations[a]"


def test_schemas_may_not_be_larger_than_those_of_a_request() -> None:
    large = {"type": "object", "enum": [0] * NODES_LIMIT}
    with pytest.raises(InvalidRequest, match="too large"):
        named([offer("a", "read", large)])


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"type": "text", "text": "a"}, "a"),
        ({"type": "image", "data": "AA==", "mimeType": "image/png"}, "[image: image/png, not shown]"),
        ({"type": "audio", "data": "AA==", "mimeType": "audio/wav"}, "[audio: audio/wav, not shown]"),
        ({"type": "resource", "resource": {"uri": "file:///a", "text": "b"}}, "b"),
        ({"type": "resource", "resource": {"uri": "file:///a", "blob": "AA=="}}, "[file:///a]"),
        ({"type": "resource_link", "uri": "file:///a", "name": "a"}, "[file:///a]"),
        ({"type": "hologram"}, "[something that is no text]"),
    ],
)
def test_a_model_reads_what_is_text_and_of_what_it_is_not_shown(part: dict[str, Any], read: str) -> None:
    assert Outcome(({"type": "text", "text": "1"}, part)).for_model() == f"1\n{read}"
