"""The table of endpoints, the routes and what README says of them are the same."""

import re
from pathlib import Path

import pytest
from flask import Flask

from lms.server.endpoints import ENDPOINTS, Endpoint, find
from tests.server.conftest import Site

README = Path(__file__).parents[2] / "README.md"
VARIABLE = re.compile(r"{[^}]+}")

# Flask makes these of GET.
OF_THEIR_OWN = {"HEAD", "OPTIONS"}


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - OF_THEIR_OWN
    }


def test_every_route_is_in_the_table_and_every_row_of_it_is_a_route(site: Site) -> None:
    assert routes(site.client.application) == {(endpoint.method, endpoint.rule) for endpoint in ENDPOINTS}


def paths_in_readme() -> set[str]:
    """Those in its table, variables without their names. An ellipsis stands for the first path of its row."""
    table = README.read_text(encoding="utf-8").partition("| API | endpoint |")[2].partition("\n\n")[0]
    rows = [re.findall("`([^`]+)`", row.split("|")[2]) for row in table.splitlines()[2:]]
    return {VARIABLE.sub("{}", path.replace("…", row[0])) for row in rows for path in row}


def test_readme_lists_every_endpoint_and_no_other() -> None:
    assert paths_in_readme() == {VARIABLE.sub("{}", endpoint.path) for endpoint in ENDPOINTS}


def test_no_endpoint_is_there_twice() -> None:
    assert len({(endpoint.method, endpoint.rule) for endpoint in ENDPOINTS}) == len(ENDPOINTS)


def test_only_endpoints_that_take_a_body_say_which() -> None:
    assert [endpoint for endpoint in ENDPOINTS if endpoint.body and endpoint.method != "POST"] == []


def test_head_is_get() -> None:
    assert find("HEAD", "/v1/models") is find("GET", "/v1/models") is not None
    assert find("PUT", "/v1/models") is None


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_a_path_has_the_variables_of_its_rule(endpoint: Endpoint) -> None:
    assert re.findall(r"{([a-z_]+)}", endpoint.path) == list(endpoint.variables)
    assert "<" not in endpoint.path
