"""`lms get`: models from the hub. The daemon downloads them, so that a terminal that closes ends nothing."""

import shlex
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli import exits, units
from lms.cli.command import command
from lms.cli.confirm import confirm
from lms.cli.offers import propose, wanted_repo
from lms.cli.picker import pick
from lms.cli.session import Daemon, Session
from lms.cli.values import whole_number
from lms.errors import DaemonUnreachable, DownloadNotFound, LmsError, UsageError, from_wire

if TYPE_CHECKING:
    from collections.abc import Generator

    from lms.catalog.offers import OfferFormat
    from lms.client.control import DownloadRow
    from lms.paths import Home

GO_ON = "Go on in the background"
PAUSE = "Pause it: the next lms get goes on from there"
DISCARD = "Discard what has come"
LIMIT = 10
MOST_RESULTS = 100
MOST_DAEMONS = 3
# A daemon that ends stops its engines first.
END_TIMEOUT_S = 15.0
POLL_S = 0.05


def _limit(typed: str) -> int:
    return whole_number("--limit", typed, 1, MOST_RESULTS)


Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="name", help="Words to search for, owner/name, or an address on the hub; each with @quant."),
]
Gguf = Annotated[bool, typer.Option("--gguf", help="GGUF models, which is what there is without a flag.")]
Mlx = Annotated[bool, typer.Option("--mlx", help="MLX models, which this version lists but cannot load.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", "-n", parser=_limit, metavar="N", help=f"Results of a search to choose from. Default: {LIMIT}."
    ),
]
Select = Annotated[
    bool,
    typer.Option("--select", "-a", "--always-show-download-options", help="Choose the quantization from a list."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the first result and what is proposed.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms get qwen3 4b", "search the hub, choose, download"),
        ("lms get lmstudio-community/Qwen3-4B-GGUF@q8_0 -y", "in scripts: that one, no questions"),
        ("lms get https://huggingface.co/owner/name/blob/main/file.gguf", "a file, with all that belongs to it"),
        ("HF_TOKEN=hf_… lms get owner/gated-model", "as somebody whom its makers let in"),
    ]

    @command(root, "get", section=section, remote=True, examples=examples)
    def get(
        session: Session,
        name: Words = None,
        gguf: Gguf = False,
        mlx: Mlx = False,
        limit: Limit = None,
        select: Select = False,
        yes: Yes = False,
    ) -> None:
        """Download a model from the hub. The daemon does it, goes on after any interruption, and checks each byte."""
        if select and (yes or not session.can_ask):
            raise UsageError(
                "--select asks a question, and nobody is to be asked.", hint="Say which: owner/name@quant."
            )
        from lms.client.control import DownloadRequest

        own = {} if session.place else session.environ  # who is asked for there, and as whom, is that machine's matter
        request = DownloadRequest(
            "",
            formats=_formats(gguf, mlx),
            endpoint=own.get("HF_ENDPOINT") or None,
            token=own.get("HF_TOKEN") or None,
        )
        daemon = session.daemon()
        repo = wanted_repo(session, daemon, " ".join(name or ()), request, limit=limit or LIMIT, yes=yes)
        choice = propose(session, daemon, repo, request, select=select)
        asks = choice.question and not yes and session.can_ask
        if asks and not confirm(session, choice.question, hint="Give -y.", default=True):
            raise LmsError("Nothing was downloaded.")
        _follow(session, daemon, daemon.start_download(choice.request))


def _formats(gguf: bool, mlx: bool) -> "tuple[OfferFormat, ...]":
    if gguf == mlx:
        return ("gguf", "mlx") if gguf else ("gguf",)
    return ("gguf",) if gguf else ("mlx",)


def _follow(session: Session, daemon: Daemon, row: "DownloadRow") -> None:
    if row.job_id is None:
        return _there(session, daemon, row, "You have it already.")
    try:
        last = _watched(session, daemon, row)
    except KeyboardInterrupt as error:
        session.output.say(_interrupted(session, daemon, row.job_id))
        raise typer.Exit(exits.INTERRUPTED) from error
    if last.status == "completed":
        return _there(session, daemon, last, "Downloaded.")
    if last.error is not None:
        raise from_wire(last.error)
    raise DownloadNotFound("The download was stopped.", hint="To get it again goes on from where it was.")


def _watched(session: Session, daemon: Daemon, row: "DownloadRow") -> "DownloadRow":
    """Show how it comes until it stands still, and how it stands then."""
    assert row.job_id is not None
    title = row.repo if row.quantization is None else f"{row.repo} {row.quantization}"
    session.output.say(f"Downloading {title} ({units.disk(row.total_bytes)}).")
    last = row
    with (
        session.output.transfer(row.total_bytes) as show,
        closing(_rows(session, daemon, row.job_id)) as rows,
    ):
        for last in rows:
            show(last.downloaded_bytes)
            if session.output.as_json and last.status == "downloading":
                session.output.json(_shape(last))
    return last


def _rows(session: Session, daemon: Daemon, job_id: str) -> "Generator[DownloadRow, None, None]":
    """How it stands until it stands still, as one daemon says and, if that is killed, the next, which goes on with it.

    Raises DaemonUnreachable when the daemon was told to end.
    """
    for _ in range(MOST_DAEMONS):
        with suppress(DaemonUnreachable), closing(daemon.follow_download(job_id)) as rows:
            for row in rows:
                yield row
                if row.status != "downloading":
                    return
        if session.place or not _was_killed(session.home):
            break
        session.output.warn("The daemon has died. The next one goes on with the download.")
        daemon = session.daemon()
    raise DaemonUnreachable(
        "The daemon has ended. The next one goes on with the download.", hint="lms daemon up starts it."
    )


def _was_killed(home: "Home") -> bool:
    """Whether the daemon has ended and left its hint: one that is told to end takes it away. True also if there is
    another daemon by now.
    """
    from lms.client.client import is_locked

    deadline_s = time.monotonic() + END_TIMEOUT_S
    while is_locked(home.lock) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
    return home.daemon_state.exists()


def _interrupted(session: Session, daemon: Daemon, job_id: str) -> str:
    """What becomes of the download, which a person decides. Where nobody can be asked it is paused."""
    choices = (GO_ON, PAUSE, DISCARD)
    chosen = pick(session, "What is to become of the download?", choices, "") if session.can_ask else PAUSE
    if chosen == GO_ON:
        return "It goes on. The same lms get shows how far it is."
    if chosen == DISCARD:
        daemon.cancel_download(job_id)
        return "Discarded."
    daemon.pause_download(job_id)
    return "Paused. The same lms get goes on from there."


def _there(session: Session, daemon: Daemon, row: "DownloadRow", message: str) -> None:
    key = daemon.resolve(row.path).key
    if session.output.as_json:
        return session.output.json(_shape(row) | {"modelKey": key})
    session.output.say(message)
    return session.output.hint(f"lms load {shlex.quote(key)} loads it.")


def _shape(row: "DownloadRow") -> dict[str, Any]:
    """A line of JSON: how it stands. Fields that have no value are left out."""
    fields = {
        "status": row.status,
        "jobId": row.job_id,
        "repo": row.repo,
        "path": row.path,
        "quantization": row.quantization,
        "downloadedBytes": row.downloaded_bytes,
        "totalBytes": row.total_bytes,
        "bytesPerSecond": None if row.bytes_per_s is None else round(row.bytes_per_s),
    }
    return {name: value for name, value in fields.items() if value is not None}
