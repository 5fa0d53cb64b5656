"""Runs scenarios on two servers in turn: each pair of runs follows one another, and who goes first changes."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from lms.errors import LmsError
from tools.bench import servers
from tools.bench.answers import CallFailed
from tools.bench.comparison import Outcome, Run, Scenario
from tools.bench.scenarios import made_model
from tools.bench.servers import Ours, Server
from tools.bench.workloads import Figures

SALT_STEP = 1000  # a workload takes its own salts from the range in between


@dataclass(frozen=True)
class Session:
    """What all scenarios of one `make bench` have in common. No `peer`: ours alone. `say` takes lines for people."""

    ours: Ours
    peer: Path | None
    peer_log: Path
    runs: int
    say: Callable[[str], None]


def compare(session: Session, scenarios: Iterable[Scenario]) -> Iterator[Outcome]:
    """The outcome of each scenario. Those that follow one another with the same set-up share their servers, and are
    given up together when one fails: what it left behind would be measured too."""
    for _, group in itertools.groupby(scenarios, key=lambda one: (one.setup, one.speculation, one.against)):
        waiting = list(group)
        try:
            for outcome in _compare_alike(session, waiting.copy()):
                waiting.remove(outcome.scenario)
                yield outcome
        except (CallFailed, LmsError, OSError, RuntimeError) as error:
            yield from (Outcome(scenario, failure=f"{type(error).__name__}: {error}") for scenario in waiting)


def _compare_alike(session: Session, scenarios: Sequence[Scenario]) -> Iterator[Outcome]:
    salt = int(time.time()) % 100_000 * 10 * SALT_STEP
    with ExitStack() as stack:
        first, second = _pair(session, scenarios[0])
        ours, other = stack.enter_context(first), stack.enter_context(second)
        _say_what_runs(session, scenarios[0], ours, other)
        for scenario in scenarios:
            yield alternate(scenario, ours, other, session.runs, salt)


def alternate(scenario: Scenario, ours: Server, other: Server | None, runs: int, salt: int) -> Outcome:
    """Run the scenario on both, `runs` times, with the same words in each pair. Raises CallFailed, or OSError."""
    taken: tuple[list[Run], list[Run]] = ([], [])
    for number in range(runs):
        turns = [(ours, taken[0])] if other is None else [(ours, taken[0]), (other, taken[1])]
        for server, into in turns if number % 2 == 0 else reversed(turns):
            into.append(_run(scenario.workload, server, salt + number * SALT_STEP))
    return Outcome(scenario, tuple(taken[0]), tuple(taken[1]))


def _pair(
    session: Session, scenario: Scenario
) -> tuple[AbstractContextManager[Server], AbstractContextManager[Server | None]]:
    if (model := made_model(scenario.setup)) is not None:
        model.made()
    ours = session.ours.serving(scenario.setup, speculation=scenario.speculation)
    if scenario.against == "ours without":
        return ours, session.ours.serving(scenario.setup)
    if session.peer is None:
        return ours, nullcontext()
    return ours, servers.peer_serving(session.peer, scenario.setup, session.peer_log)


def _say_what_runs(session: Session, scenario: Scenario, ours: Server, other: Server | None) -> None:
    session.say(
        f"\n{scenario.setup.model.name}, {scenario.setup.slots} slots of {scenario.setup.context_length} tokens"
    )
    for note in ours.notes:
        session.say(f"  ours: {note}")
    if other is not None and scenario.against == "peer" and session.peer is not None:
        session.say(f"  peer: {' '.join(scenario.setup.command(session.peer, other.port)[1:])}")
    shares = " and ".join(f"{server.idle_share():.1%}" for server in (ours, other) if server is not None)
    session.say(f"  idle: {shares} of a core")


def _run(workload: Callable[[Server, int], Figures], server: Server, salt: int) -> Run:
    before_s = server.cpu_s()
    figures = workload(server, salt)
    return Run(figures, server.cpu_s() - before_s)
