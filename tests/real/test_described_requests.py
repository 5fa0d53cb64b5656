"""Some of what `make fuzz` sends: requests made from `/openapi.json`, to the real front over the fake engine."""

import pytest

from tools.fuzz import fuzz, server

CASES = 150


@pytest.mark.timeout(400)
def test_nothing_that_the_description_leads_to_is_a_fault_of_the_server() -> None:
    with server() as url:
        report = fuzz(url, CASES)
    assert report.faults == []
    assert report.cases >= CASES
    assert {200, 400, 404} <= set(report.statuses)
