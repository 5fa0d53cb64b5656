"""`make bench`: every scenario on both servers, then the figures of our own.

make bench ARGS="prefix8 single" runs those scenarios only, ARGS=figures only the figures. Nothing else should run on
the machine meanwhile. All values of all runs go into build/bench/bench.json.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.bench import own, peer, results, rounds, scenarios, servers, table
from tools.bench.comparison import Outcome, Scenario
from tools.bench.machine import Machine

FIGURES = "figures"
RUNS = 3
PEER_LOG = results.FOLDER / "llama-server.log"


def main() -> None:
    asked, machine = _arguments(), Machine.here()
    started_s = time.monotonic()
    say("\n".join(machine.lines()))
    results_of_all: dict[str, Any] = {}
    if asked.scenarios:
        outcomes = _compare(asked.scenarios, None if asked.no_peer else _peer(), asked.runs)
        _show(outcomes, table.markdown if asked.markdown else table.lines)
        results_of_all["scenarios"] = results.shape(outcomes)
    if asked.figures:
        say("")
        results_of_all["figures"] = own.measure_all(asked.runs)
    path = results.save("bench", machine, results_of_all)
    say(f"\n{time.monotonic() - started_s:.0f} s in all; every value of every run is in {path}.")


def say(line: str) -> None:
    print(line, flush=True)


def _arguments() -> argparse.Namespace:
    """With `scenarios` and `figures` for what was asked. Ends the program on a wrong word."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    names = ", ".join([*(scenario.name for scenario in scenarios.SCENARIOS), FIGURES])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to run, of: {names}. Default: all.")
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"of each on each server (default {RUNS})")
    parser.add_argument("--threads", type=int, metavar="N", help="for both servers (default: as they think best)")
    parser.add_argument("--markdown", action="store_true", help="the tables at the end as a README has them")
    parser.add_argument("--no-peer", action="store_true", help="ours alone")
    asked = parser.parse_args()
    try:
        wanted = scenarios.named([name for name in asked.names if name != FIGURES])
    except ValueError as error:
        parser.error(str(error))
    asked.figures = not asked.names or FIGURES in asked.names
    asked.scenarios = [] if asked.names == [FIGURES] else _with_threads(wanted, asked.threads)
    return asked


def _with_threads(wanted: Sequence[Scenario], threads: int | None) -> list[Scenario]:
    return [replace(scenario, setup=replace(scenario.setup, threads=threads)) for scenario in wanted]


def _peer() -> Path | None:
    server = peer.find()
    if server is None:
        say("No llama-server here: ours alone. `make peer` builds one; LLAMA_SERVER names one.")
    else:
        say(f"peer: {server} ({peer.build_number(server)})")
    return server


def _compare(wanted: Sequence[Scenario], server: Path | None, runs: int) -> list[Outcome]:
    """Shows each scenario's figures when they are there; the table at the end has them all together."""
    outcomes = []
    with servers.ours() as ours:
        for outcome in rounds.compare(rounds.Session(ours, server, PEER_LOG, runs, say), wanted):
            outcomes.append(outcome)
            say("\n".join(f"  {line}" for line in table.lines(table.comparison(outcome))))
            if outcome.failure:
                say(f"  {outcome.failure}")
    return outcomes


def _show(outcomes: Sequence[Outcome], drawn: Callable[[Sequence[Sequence[str]]], list[str]]) -> None:
    """One table against the peer, one against ours without speculation."""
    for against, head in (("peer", "peer"), ("ours without", "without")):
        chosen = [row for one in outcomes if one.scenario.against == against for row in table.comparison(one)]
        if chosen:
            head_row = ["scenario", "ours" if against == "peer" else "speculation", head, "ratio", "cpu", "aim", ""]
            say("\n" + "\n".join(drawn([head_row, *chosen])))
    say("\nMedians; a ratio is the median of what each pair of runs says. More than 1: ours is ahead.")
    say("cpu: the same for the processor time of both, which other programs on the machine disturb less.")


if __name__ == "__main__":
    main()
