"""`lms verify`: is what lies on disk what once came?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli import disk, exits, units
from lms.cli.command import command
from lms.cli.output import Styled, Table
from lms.cli.session import Session

if TYPE_CHECKING:
    from lms.catalog.hashes import Hashes
    from lms.catalog.listing import Listing
    from lms.catalog.model import Model
    from lms.catalog.verification import Checked

ModelKey = Annotated[str | None, typer.Argument(metavar="model", help="Only this one, or this variant of it.")]
Record = Annotated[bool, typer.Option("--record", help="Write down hashes where there are none, for the next time.")]

BAD = ("changed", "damaged")
STYLE = {"sound": "green", "changed": "red", "damaged": "red"}


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms verify", "everything, which takes as long as reading it; exit code 1 when something is wrong"),
        ("lms verify qwen3-4b@q8_0", "one variant"),
        ("lms verify --record", "models that were put there by hand get a hash to be compared with"),
    ]
    command(root, "verify", section=section, examples=examples)(verify)


def verify(session: Session, model: ModelKey = None, record: Record = False) -> None:
    """Check that models on disk are whole. By their own headers, and the hashes that they came with."""
    from lms.catalog.hashes import Hashes

    hashes = Hashes(session.home.model_hashes)
    listing = disk.catalog(session, disk.models_folder(session)).listing()
    meant = listing.meant(model) if model is not None else tuple(listing.every_variant())
    checked = list(_checked(session, meant, hashes.all(), read_all=record))
    if record:
        checked = _record(session, hashes, checked)
    if session.output.as_json:
        session.output.json([_shape(each, listing) for each in checked])
    else:
        session.output.table(Table(("MODEL", "STATUS", ""), tuple(_cells(each, listing) for each in checked)))
        if any(each.verdict == "unrecorded" for each in checked):
            session.output.hint("lms verify --record writes down the hashes that they have now.")
    bad = sum(each.verdict in BAD for each in checked)
    if bad:
        session.output.hint(f"{units.count(bad, 'model')} not as it should be: lms rm it, then get it again.")
        raise typer.Exit(exits.FAILED)


def _checked(
    session: Session, models: "Sequence[Model]", recorded: Mapping[str, str], *, read_all: bool
) -> "Iterator[Checked]":
    from lms.catalog import verification

    total_bytes = sum(verification.bytes_to_read(model, recorded, read_all=read_all) for model in models)
    done_bytes = 0
    with session.output.progress("Reading") as progress:

        def read(size_bytes: int) -> None:
            nonlocal done_bytes
            done_bytes += size_bytes
            progress(done_bytes / max(total_bytes, 1))

        for model in models:
            yield verification.check(model, recorded, read_all=read_all, read=read)


def _record(session: Session, hashes: "Hashes", checked: "Sequence[Checked]") -> "list[Checked]":
    """How they stand then."""
    files = [file for each in checked if not each.damage for file in each.files]
    new = {file.path: file.sha256 for file in files if file.sha256 and file.verdict == "unrecorded"}
    hashes.record(new)
    session.output.say(f"Wrote down what {units.count(len(new), 'file')} should be.")
    return [each if each.damage else each.recorded() for each in checked]


def _cells(checked: "Checked", listing: "Listing") -> tuple[str, Styled, str]:
    verdict = checked.verdict
    return listing.shown_key(checked.model), Styled(verdict, STYLE.get(verdict, "")), checked.reason or ""


def _shape(checked: "Checked", listing: "Listing") -> dict[str, Any]:
    reason = {"reason": checked.reason} if checked.reason else {}
    files = [
        {"path": str(file.path), "status": file.verdict}
        | {key: value for key, value in (("sha256", file.sha256), ("recorded", file.recorded)) if value}
        for file in checked.files
    ]
    return {"modelKey": listing.shown_key(checked.model), "status": checked.verdict} | reason | {"files": files}
