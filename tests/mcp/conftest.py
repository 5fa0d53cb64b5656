"""One host and two servers for all tests of a run, and a host of its own for a test that ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp.processes import Host, serving


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="module")
def http_url() -> Iterator[str]:
    with serving("http") as url:
        yield url
