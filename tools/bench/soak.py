"""`make soak MINUTES=30`: mixed work by clients that leave when they like, and what it does to memory.

Ends with 1 when memory has grown by more than a twentieth since the first two minutes, when a request failed or was
not forgotten, or when a process was replaced.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from lms.client import DaemonClient
from lms.paths import Home
from tools.bench import clients, memory, results, table
from tools.bench.clients import Crowd
from tools.bench.machine import Machine
from tools.bench.memory import Sample, Verdict
from tools.bench.scenarios import TINY_CHAT
from tools.installation import Installation, fresh_installation

CLIENTS = 8
SAMPLE_S = 5.0
REPORT_S = 60.0
IDLE_TIMEOUT_S = 20.0
PINNED = (clients.CHAT, clients.SECOND_CHAT, clients.EMBEDDING)
SHOWN_FAILURES = 10


def main() -> None:
    asked = _arguments()
    duration_s = asked.minutes * 60
    machine = Machine.here()
    print("\n".join(machine.lines()), flush=True)
    with _installation() as installation, closing(DaemonClient(Home(installation.home))) as daemon:
        crowd = Crowd(_serve(installation), asked.clients, asked.seed)
        samples = asyncio.run(_soak(daemon, crowd, duration_s))
        stuck = _stuck(daemon)
    verdict = memory.judge(samples, duration_s)
    print("\n".join(_summary(crowd, samples, verdict, stuck)))
    shape = {"done": crowd.done, "failed": crowd.failed, "samples": [asdict(one) for one in samples]}
    print(f"Every sample is in {results.save('soak', machine, shape)}.")
    sys.exit(0 if verdict.holds and not crowd.failed and not stuck else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="how long (default 30; at least 1)")
    parser.add_argument("--clients", type=int, default=CLIENTS, metavar="N", help=f"at once (default {CLIENTS})")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what the clients do (default 1)")
    asked = parser.parse_args()
    if asked.minutes < 1:
        parser.error("Less than a minute says nothing.")
    return asked


@contextmanager
def _installation() -> Iterator[Installation]:
    """With a models folder of one model, which nobody loads but a request."""
    with TemporaryDirectory(prefix="lms-models-") as folder:
        visitor = Path(folder) / "soak" / clients.VISITOR / f"{clients.VISITOR}.gguf"
        visitor.parent.mkdir(parents=True)
        shutil.copy(TINY_CHAT, visitor)
        with fresh_installation(Path(folder)) as installation:
            yield installation


def _serve(installation: Installation) -> int:
    """The port of a running server with the models that stay."""
    port = int(installation.lms_json("server", "start", "--port", "0", "--quiet")["port"])
    installation.lms("load", clients.CHAT, "--quiet")
    installation.lms("load", clients.CHAT, "--identifier", clients.SECOND_CHAT, "--context-length", "1024", "--quiet")
    installation.lms("load", clients.EMBEDDING, "--quiet")
    return port


async def _soak(daemon: DaemonClient, crowd: Crowd, duration_s: float) -> list[Sample]:
    work = asyncio.create_task(crowd.work(duration_s))
    samples: list[Sample] = []
    started_s, reported_s = time.monotonic(), 0.0
    while not work.done():
        elapsed_s = time.monotonic() - started_s
        samples.append(await asyncio.to_thread(memory.sample, daemon, elapsed_s, PINNED))
        if elapsed_s >= reported_s:
            print(_line(crowd, samples[-1]), flush=True)
            reported_s += REPORT_S
        await asyncio.wait([work], timeout=SAMPLE_S)
    await work
    return samples


def _stuck(daemon: DaemonClient) -> list[str]:
    """The models that are not idle although every client has left."""
    deadline_s = time.monotonic() + IDLE_TIMEOUT_S
    while True:
        rows = daemon.instances()
        busy = [f"{row.identifier}: {row.running} running, {row.queued} waiting" for row in rows if row.state != "idle"]
        if not busy or time.monotonic() > deadline_s:
            return busy
        time.sleep(0.2)


def _line(crowd: Crowd, sample: Sample) -> str:
    done, failed = sum(crowd.done.values()), len(crowd.failed)
    return f"{sample.elapsed_s / 60:5.1f} min  {done:7} done  {failed:3} failed  {sample.resident_mb:7.1f} MB resident"


def _summary(crowd: Crowd, samples: Sequence[Sample], verdict: Verdict, stuck: Sequence[str]) -> Iterator[str]:
    yield ""
    yield from table.lines([["done", "times"], *([name, str(count)] for name, count in sorted(crowd.done.items()))])
    yield ""
    last = samples[-1].processes
    rows = [
        [name, f"{one.resident_mb:.1f} MB", f"{one.own_mb:.1f} MB", f"{verdict.growth.get(name, 0):+.1%}"]
        for name, one in last.items()
    ]
    total = ["total", f"{samples[-1].resident_mb:.1f} MB", f"{samples[-1].own_mb:.1f} MB"]
    rows.append([*total, f"{verdict.growth['total']:+.1%}"])
    yield from table.lines([["memory at the end", "resident", "own share", "since settled"], *rows])
    yield ""
    yield from (f"FAILED  {failure}" for failure in crowd.failed[:SHOWN_FAILURES])
    yield from (f"NOT IDLE  {line}" for line in stuck)
    yield from (f"REPLACED  {name}" for name in verdict.replaced)
    kept = "within" if verdict.growth["total"] <= memory.MOST_GROWTH else "NOT within"
    yield f"{len(crowd.failed)} failures; memory at the end is {kept} {memory.MOST_GROWTH:.0%} of that after settling."


if __name__ == "__main__":
    main()
