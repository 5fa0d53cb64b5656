"""`lms rm`: delete a model from disk."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli import disk, unfinished, units
from lms.cli.command import command
from lms.cli.confirm import confirm
from lms.cli.remote import VARIABLE, place
from lms.cli.session import Session
from lms.errors import LmsError, ModelInUse, ModelNotFound, UsageError

if TYPE_CHECKING:
    from lms.catalog.listing import Listing
    from lms.catalog.model import Model
    from lms.catalog.removal import Removal

ModelKey = Annotated[
    str, typer.Argument(metavar="model", help="A key that lms ls shows: all its variants, with @quantization only one.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, delete nothing.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms rm qwen3-4b", "with all its variants, after a question"),
        ("lms rm qwen3-4b@q8_0 -y", "only this variant, without one"),
        ("lms rm owner/name@q8_0", "a download that is not finished, with what has come of it"),
    ]
    command(root, "rm", section=section, examples=examples)(rm)


def rm(session: Session, model: ModelKey, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Delete a model and prompts kept on disk for it. One that is loaded is refused. Discards unfinished downloads."""
    from lms.catalog import removal
    from lms.catalog.hashes import Hashes

    if place(None, None, session.environ) is not None:
        raise UsageError(
            f"lms rm deletes on this machine, and {VARIABLE} names another one.", hint=f"Unset {VARIABLE}."
        )

    folder = disk.models_folder(session)
    listing = disk.catalog(session, folder).listing()
    try:
        models = listing.meant(model)
    except ModelNotFound:
        if downloads := unfinished.meant(session, model):
            return unfinished.discard(session, downloads, yes=yes, dry_run=dry_run)
        raise
    planned = removal.plan(models, listing, folder, session.home.prompt_cache)
    _require_unloaded(session, planned.models, listing)
    for file in (*planned.files, *planned.folders):
        session.output.say(f"  {file}")
    keys = [listing.shown_key(each) for each in planned.models]
    names = ", ".join(keys)
    if dry_run:
        session.output.say(f"Would delete {names} ({units.disk(planned.size_bytes)}). --dry-run: nothing was done.")
        return _report(session, planned, keys, deleted=False)
    question = f"Delete {names} ({units.disk(planned.size_bytes)})?"
    if not yes and not confirm(session, question, hint="-y deletes without asking."):
        raise LmsError("Nothing was deleted.")
    removal.perform(planned, folder)
    Hashes(session.home.model_hashes).forget(planned.files)
    disk.catalog(session, folder).listing()  # a daemon that runs sees by this that it has to look again
    session.output.say(f"Deleted {names}: {units.disk(planned.size_bytes)} are free again.")
    return _report(session, planned, keys, deleted=True)


def _require_unloaded(session: Session, models: "tuple[Model, ...]", listing: "Listing") -> None:
    """Raises ModelInUse for a model that is loaded, itself or to guess for another one."""
    going = {model.relative_path: listing.shown_key(model) for model in models}
    for row in disk.instances(session):
        paths = {row.model.path} if not row.model.bundled else set()
        if row.config.draft_model:
            with suppress(LmsError):
                paths.add(listing.resolve(row.config.draft_model).relative_path)
        for path in paths & going.keys():
            as_what = "loaded" if row.identifier == going[path] else f"in use: “{row.identifier}” is loaded"
            raise ModelInUse(f"“{going[path]}” is {as_what}.", hint=f"First: lms unload {row.identifier}")


def _report(session: Session, planned: "Removal", keys: list[str], *, deleted: bool) -> None:
    if session.output.as_json:
        shape = {
            "models": keys,
            "files": [str(file) for file in planned.files],
            "promptCaches": [str(folder) for folder in planned.folders],
            "sizeBytes": planned.size_bytes,
            "deleted": deleted,
        }
        session.output.json(shape)
