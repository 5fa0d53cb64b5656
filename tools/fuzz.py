"""`make fuzz`: requests made from `/openapi.json`, well-formed and not, sent to a server over the fake engine.

None may be answered with a status of 500 or more, or not at all.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode

from tools.installation import fresh_installation

MODELS = ("tiny-chat", "text-embedding-tiny")
TIMEOUT_S = 60
# Downloads are asked for too. Nobody listens there.
NO_HUB = "http://127.0.0.1:9"


@dataclass
class Report:
    """What came of the requests: how many had which status, and the ones that went wrong."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return sum(self.statuses.values()) + len(self.faults)

    def send(self, case: Case) -> None:
        asked = f"{case.method} {case.formatted_path} {case.body!r:.2000}"
        try:
            response = case.call(timeout=TIMEOUT_S)
        except requests.RequestException as error:
            self.faults.append(f"{asked}\n  {type(error).__name__}: {error}")
            return
        if response.status_code >= 500:
            self.faults.append(f"{asked}\n  {response.status_code}: {response.text:.500}")
        else:
            self.statuses[response.status_code] += 1


def fuzz(url: str, cases: int) -> Report:
    """Send at least so many requests, about equally many to each endpoint, to the server at `url`."""
    report = Report()
    operations = [result.ok() for result in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations()]
    each = -(-cases // (len(operations) * len(GenerationMode)))
    for operation in operations:
        for mode in GenerationMode:
            _try(operation, mode, each, report)
    return report


def _try(operation: APIOperation[Any, Any, Any], mode: GenerationMode, cases: int, report: Report) -> None:
    """All that goes wrong is collected, so Hypothesis never learns of it, and shrinks nothing."""

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), model=st.none() | st.sampled_from(MODELS))
    def send(case: Case, model: str | None) -> None:
        _name(case, model)
        report.send(case)

    try:
        send()
    except schemathesis.errors.SchemathesisError:
        report.send(operation.Case())  # there is no wrong way to ask for something that takes nothing


def _name(case: Case, model: str | None) -> None:
    """Let it ask for a model that is there: no other request comes further than the search for its model."""
    if model is not None and isinstance(case.body, dict) and "model" in case.body:
        case.body["model"] = model


@contextmanager
def server() -> Iterator[str]:
    """The address of a server of its own."""
    with fresh_installation(LMS_ENGINE="fake", HF_ENDPOINT=NO_HUB) as installation:
        yield f"http://127.0.0.1:{installation.lms_json('server', 'start', '--port', '0')['port']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    with server() as url:
        report = fuzz(url, parser.parse_args().cases)
    for fault in report.faults:
        print(fault)
    print(f"{report.cases} requests, {len(report.faults)} faults; by status: {dict(sorted(report.statuses.items()))}")
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
