"""`make fuzz`: requests made from `/openapi.json`, well-formed and not, sent to a server over the fake engine.

None may be answered with a status of 500 or more, or not at all.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode

from tools.installation import fresh_installation

# Put into bodies in place of what was invented; None: it stays.
MODELS = ("tiny-chat", "tiny-chat", "text-embedding-tiny", None)
NEEDED = {"model", "messages", "input", "prompt", "content", "tokens", "query", "documents", "max_tokens", "stream"}
LIMITS = {"max_tokens", "max_completion_tokens", "max_output_tokens"}
# What the dialects call a fault of the server's own, which may also come in the middle of a stream.
OWN_FAULTS = ('"server_error"', '"api_error"', '"internal_error"')
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
        if response.status_code >= 500 or any(kind in response.text for kind in OWN_FAULTS):
            self.faults.append(f"{asked}\n  {response.status_code}: {response.text:.500}")
        else:
            self.statuses[response.status_code] += 1


def fuzz(url: str, cases: int) -> Report:
    """Send at least so many requests to the server at `url`, about equally many of each kind."""
    report = Report()
    operations = [result.ok() for result in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations()]
    kinds = [(operation, mode) for operation in operations for mode in _modes(operation.definition.raw)]
    while (missing := cases - report.cases) > 0:  # of some kinds there are not so many
        for operation, mode in kinds:
            _try(operation, mode, -(-missing // len(kinds)), report)
    for operation in operations:
        if not _modes(operation.definition.raw):
            report.send(operation.Case())
    return report


def _modes(described: dict[str, Any]) -> list[GenerationMode]:
    """What can be varied: a body may be wrong, a name in a path is only unknown, and nothing has no variants."""
    if "requestBody" in described:
        return list(GenerationMode)
    return [GenerationMode.POSITIVE] if described["parameters"] else []


def _try(operation: APIOperation, mode: GenerationMode, cases: int, report: Report) -> None:
    """All that goes wrong is collected, so Hypothesis never learns of it, and shrinks nothing."""

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), model=st.sampled_from(MODELS), chance=st.randoms())
    def send(case: Case, model: str | None, chance: Random) -> None:
        if model is not None and isinstance(case.body, dict):
            case.body = _likelier(case.body, model, chance)
        if isinstance(case.body, dict) and case.body.get("context_overflow_policy") == "rollingWindow":
            case.body = _limited(case.body)
        report.send(case)

    send()


def _likelier(body: dict[str, Any], model: str, chance: Random) -> dict[str, Any]:
    """A body that comes further than the search for its model: that one is there, and few of the other fields are,
    because a value that is right by its type may still be refused.
    """
    others = sorted(body.keys() - NEEDED)
    kept = NEEDED.union(chance.sample(others, min(len(others), chance.randrange(4))))
    return {name: model if name == "model" else value for name, value in body.items() if name in kept}


def _limited(body: dict[str, Any]) -> dict[str, Any]:
    """A body whose answer ends, which one that rolls does not by itself."""
    limit = "max_output_tokens" if "input" in body else "max_tokens"
    return {name: value for name, value in body.items() if name not in LIMITS} | {limit: 64}


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
