"""Apps whose requests may use MCP servers: real ones, and the real process that talks to them."""

from collections.abc import Iterator

import pytest

from lms.server.tools.access import McpAccess
from tests.mcp.processes import HERE, Host, serving
from tests.server.conftest import MakeSite, Site


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("mcp"))
    made.configure(files=HERE)
    yield made
    made.end()


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    """The URL of a server."""
    with serving("http") as url:
        yield url


@pytest.fixture
def site(make_site: MakeSite, host: Host) -> Site:
    return make_site(mcp=McpAccess(lambda lost: host.socket_path, allow_ephemeral=True, allow_mcp_json=True))
