"""`lms import`: bring models that are on this machine already into the models folder, or use them where they lie."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lms.cli import disk, units
from lms.cli.command import command
from lms.cli.confirm import confirm
from lms.cli.session import Session
from lms.errors import LmsError, UsageError

if TYPE_CHECKING:
    from lms.catalog.arrivals import Arrival
    from lms.catalog.placing import Mode, Step

Place = Annotated[
    str, typer.Argument(metavar="path", help="A GGUF file, of several shards any; or a folder with a model.")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Ask nothing: name publisher and repo as on the hub, or by the file.")
]
UserRepo = Annotated[
    str | None, typer.Option("--user-repo", metavar="USER/REPO", help="Where it belongs in the models folder.")
]
Copy = Annotated[bool, typer.Option("--copy", "-c", help="Copy it. Default: move it.")]
HardLink = Annotated[bool, typer.Option("--hard-link", "-L", help="Give it a second name, on the same file system.")]
SymbolicLink = Annotated[bool, typer.Option("--symbolic-link", "-l", help="Leave it, and put a link in place.")]
NoHash = Annotated[bool, typer.Option("--no-hash", help="Do not read it all for the hash that lms verify compares.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")]
InPlace = Annotated[
    bool, typer.Option("--in-place", help="List a folder of models as it is: LM Studio's, or a cache of the hub.")
]
Forget = Annotated[bool, typer.Option("--forget", help="List that folder no more. Its files stay.")]

VERBS: "dict[Mode, str]" = {"move": "Move", "copy": "Copy", "hardLink": "Hard-link", "symbolicLink": "Link"}

NO_HASHES: Mapping[Path, str] = {}


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms import ~/Downloads/qwen3-4b-q4_k_m.gguf", "move it to the models folder, after a question"),
        ("lms import model-00001-of-00003.gguf -l --user-repo me/model", "link all three shards"),
        ("lms import ./Qwen3-4B-MLX-4bit --copy -y", "a folder, without questions"),
        ("lms import ~/.ollama/models/blobs/sha256-dde5aa3f -L", "named by its header; Ollama keeps it"),
        ("lms import --in-place ~/.cache/huggingface/hub", "use what is there, where it is"),
    ]
    command(root, "import", section=section, examples=examples)(import_)


def import_(
    session: Session,
    path: Place,
    yes: Yes = False,
    user_repo: UserRepo = None,
    copy: Copy = False,
    hard_link: HardLink = False,
    symbolic_link: SymbolicLink = False,
    no_hash: NoHash = False,
    dry_run: DryRun = False,
    in_place: InPlace = False,
    forget: Forget = False,
) -> None:
    """Bring a model into the models folder. A file, with its shards and projector, or a folder."""
    from lms.catalog import arrivals

    mode = _mode(copy, hard_link, symbolic_link)
    source = Path(os.path.abspath(Path(path).expanduser()))
    if in_place or forget:
        if mode != "move" or user_repo or dry_run or (in_place and forget):
            raise UsageError("--in-place and --forget go with no other option.")
        return _use(session, source) if in_place else _forget(session, source)
    models = disk.models_folder(session)
    arrival = arrivals.find(source, arrivals.home(user_repo)[1] if user_repo else None)
    home = _home(session, arrival, user_repo, yes=yes)
    steps = _steps(session, arrival, home, mode, models)
    if dry_run:
        session.output.say("--dry-run: nothing was done.")
        return _report(session, mode, steps)
    asks = mode == "move" and not yes and session.can_ask
    if asks and not confirm(session, "Go on?", hint="-y asks nothing.", default=True):
        raise LmsError("Nothing was imported.")
    hashes = _perform(session, steps, mode, models, hashed=not no_hash)
    if mode == "move":
        _leave(session, source, steps, models)
    keys = _keys(session, models, home, arrival)
    for key in keys:
        session.output.say(f"Imported as {key}.")
    return _report(session, mode, steps, keys, hashes)


def _mode(copy: bool, hard_link: bool, symbolic_link: bool) -> "Mode":
    if copy + hard_link + symbolic_link > 1:
        raise UsageError("Only one of --copy, --hard-link and --symbolic-link can be given.")
    if hard_link:
        return "hardLink"
    if symbolic_link:
        return "symbolicLink"
    return "copy" if copy else "move"


def _home(session: Session, arrival: "Arrival", typed: str | None, *, yes: bool) -> tuple[str, str]:
    """Publisher and repo: as typed, as chosen by whoever can be asked, with `yes` as they seem to be."""
    from lms.catalog import arrivals

    if typed is not None:
        return arrivals.home(typed)
    if not yes and not session.can_ask:
        raise UsageError(
            "Where does it belong?", hint="Say --user-repo user/repo, or -y to name it as the hub does, or by its file."
        )
    user = session.environ.get("USER") or session.environ.get("USERNAME") or "unknown"
    proposal = _on_hub(session, arrival) or (arrival.publisher or arrivals.fit(user), arrival.repo)
    if yes:
        return proposal
    shown = "/".join(proposal)
    while True:
        session.output.ask(f"Publisher and repo [{shown}]: ")
        line = session.stdin.readline()
        if not line:
            raise typer.Abort
        try:
            return arrivals.home(line.strip() or shown)
        except UsageError as error:
            session.output.say(str(error))


def _on_hub(session: Session, arrival: "Arrival") -> tuple[str, str] | None:
    """Publisher and repo of whoever has the same file on the hub. None if nobody has, or it cannot be asked."""
    if arrival.weights is None:
        return None
    from lms.catalog import origins
    from lms.catalog.hub import Hub

    session.output.say(f"Looking for {arrival.weights.name} on the hub…")
    try:
        hub = Hub(session.environ.get("HF_ENDPOINT") or None, session.environ.get("HF_TOKEN") or None)
        found = origins.find(hub, arrival.repo, arrival.weights.name, arrival.weights.stat().st_size)
    except LmsError as error:
        session.output.say(f"{error.message} Its name has to do.")
        return None
    if found is None:
        session.output.say("Nobody has that file there. Its name has to do.")
        return None
    session.output.say(f"It comes from {found}.")
    publisher, _, repo = found.partition("/")
    return publisher, repo


def _steps(session: Session, arrival: "Arrival", home: tuple[str, str], mode: "Mode", models: Path) -> "list[Step]":
    """What there is to do, said to whoever listens. Raises ModelExists, NotEnoughDisk, LmsError."""
    from lms.catalog import placing

    steps = [placing.Step(file, models.joinpath(*home, name)) for file, name in arrival.files]
    placing.require_free(steps)
    placing.require_room(steps, mode, models)
    if mode == "move":
        placing.require_movable(steps)
        _warn_of_a_store(session, steps)
    for step in steps:
        session.output.say(f"{VERBS[mode]} {step.source} to {step.target}")
    for projector in arrival.projectors:
        session.output.warn(f"{projector.name} stays: it may be another model's. lms import it, with --user-repo.")
    return steps


def _warn_of_a_store(session: Session, steps: "list[Step]") -> None:
    """A model that is not called like one is some program's, which finds it by that name."""
    for step in steps:
        if step.target.suffix == ".gguf" and step.source.suffix.lower() != ".gguf":
            session.output.warn(f"What keeps {step.source.name} there will miss it. -c, -L and -l leave it there.")


def _perform(session: Session, steps: "list[Step]", mode: "Mode", models: Path, *, hashed: bool) -> Mapping[Path, str]:
    from lms.catalog import placing
    from lms.catalog.hashes import Hashes

    total_bytes = max(sum(step.source.stat().st_size for step in steps), 1)
    done_bytes = 0
    with session.output.progress("Reading") as progress:

        def read(size_bytes: int) -> None:
            nonlocal done_bytes
            done_bytes += size_bytes
            progress(done_bytes / total_bytes)

        hashes = placing.perform(steps, mode, models, hashed=hashed, read=read)
    Hashes(session.home.model_hashes).record(hashes)
    return hashes


def _leave(session: Session, source: Path, steps: "list[Step]", models: Path) -> None:
    """Moved files leave no empty folders behind: none where the model was, and none in the models folder."""
    from lms.catalog.hashes import Hashes
    from lms.catalog.removal import remove_if_empty

    if source.is_dir():
        for path, _, _ in os.walk(source, topdown=False):
            if not os.listdir(path):
                os.rmdir(path)
    for step in steps:
        remove_if_empty(step.source.parent, models)
    Hashes(session.home.model_hashes).forget(step.source for step in steps)


def _keys(session: Session, models: Path, home: tuple[str, str], arrival: "Arrival") -> list[str]:
    listing = disk.catalog(session, models).listing()
    paths = {"/".join((*home, name)).rstrip("/") for name in arrival.models}
    variants = listing.every_variant()
    return [listing.shown_key(variant) for variant in variants if variant.relative_path in paths]


def _report(
    session: Session,
    mode: "Mode",
    steps: "list[Step]",
    keys: list[str] | None = None,
    hashes: Mapping[Path, str] = NO_HASHES,
) -> None:
    """Without keys: what would be done."""
    if session.output.as_json:
        files = [
            {"from": str(step.source), "to": str(step.target)}
            | ({"sha256": hashes[step.target]} if step.target in hashes else {})
            for step in steps
        ]
        session.output.json({"mode": mode, "dryRun": keys is None, "files": files, "models": keys or []})


def _use(session: Session, folder: Path) -> None:
    from lms.catalog.catalog import scan
    from lms.catalog.folders import ModelFolders
    from lms.errors import ModelNotFound

    models = disk.models_folder(session)
    chosen = next((each for each in _folders(folder) if scan(each)), None)
    if chosen is None:
        raise ModelNotFound(
            f"No models lie in {folder} as publisher/repo/file, nor as in a cache of the hub.",
            hint="lms import FILE brings a single model into the models folder.",
        )
    if _is_within(chosen, models) or _is_within(models, chosen):
        raise UsageError(f"{chosen} is listed already: the models folder is {models}.")
    ModelFolders(session.home.model_folders).add(chosen)
    found = [model.key for model in disk.catalog(session, models).models() if model.path.is_relative_to(chosen)]
    session.output.say(f"Listed from now on: {units.count(len(found), 'model')} in {chosen}.")
    if session.output.as_json:
        session.output.json({"folder": str(chosen), "models": found})


def _forget(session: Session, folder: Path) -> None:
    from lms.catalog.folders import ModelFolders

    folders = ModelFolders(session.home.model_folders)
    known = folders.all()
    chosen = next((each for each in _folders(folder) if each in known), folder)
    folders.remove(chosen)
    disk.catalog(session, disk.models_folder(session)).listing()  # by which a daemon sees that it has to look again
    session.output.say(f"Models in {chosen} are listed no more.")
    if session.output.as_json:
        session.output.json({"folder": str(chosen)})


def _folders(typed: Path) -> tuple[Path, ...]:
    """What people name is often the folder above: LM Studio's home, or that of huggingface_hub."""
    return typed / "models", typed / "hub", typed


def _is_within(folder: Path, other: Path) -> bool:
    return folder.resolve().is_relative_to(other.resolve())
