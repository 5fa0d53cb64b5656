"""`lms load`: bring a model into memory. Loading it again gives a second instance, as in LM Studio."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lms.cli import exits, identifiers, recent, shapes, units
from lms.cli.cancelling import outcome
from lms.cli.choosing import choose
from lms.cli.command import command
from lms.cli.estimate import show_estimate
from lms.cli.output import Styled
from lms.cli.session import Daemon, Session
from lms.cli.setting import shown
from lms.cli.speculative import UNASKED, Speculative
from lms.cli.tuning import UNTUNED, Tuning
from lms.cli.values import MOST_INT32, whole_number
from lms.config.bounds import MOST_PARALLEL
from lms.errors import EngineFailed, Unsupported, UsageError

if TYPE_CHECKING:
    from lms.client.control import InstanceRow, LoadDone, LoadRequest, ModelRow

MOST_LETTERS = 40

ModelKey = Annotated[str | None, typer.Argument(metavar="model-key", help="A key that lms ls shows, or a part of it.")]
Gpu = Annotated[
    str | None,
    typer.Option("--gpu", metavar="off|max|0..1", help="Part of the model to put on the GPU. Default: all that fits."),
]
ContextLength = Annotated[
    str | None,
    typer.Option("--context-length", "-c", metavar="N|max", help="Context in tokens; max is the model's own limit."),
]


def _parallel(typed: str) -> int:
    return whole_number("--parallel", typed, 1, MOST_PARALLEL)


def _ttl(typed: str) -> int:
    return whole_number("--ttl", typed, 1, MOST_INT32)


Parallel = Annotated[
    int | None, typer.Option("--parallel", parser=_parallel, metavar="N", help="Requests worked on at once.")
]
Ttl = Annotated[
    float | None,
    typer.Option("--ttl", parser=_ttl, metavar="SECONDS", help="Unload when idle this long. Default: never."),
]
Identifier = Annotated[
    str | None,
    typer.Option(
        "--identifier", parser=identifiers.identifier, metavar="ID", help="Name for the API. Default: the model's key."
    ),
]
EstimateOnly = Annotated[bool, typer.Option("--estimate-only", help="Say what memory it would take, load nothing.")]
Pin = Annotated[bool, typer.Option("--pin", help="Never unload it to make room for another model.")]
Force = Annotated[bool, typer.Option("--force", help="Load it even if the estimate says that it does not fit.")]
Reuse = Annotated[bool, typer.Option("--reuse", help="If it is loaded already, use that instance: load no second one.")]
ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Options from a file of JSON; flags go over them."),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Ask nothing: of several matches take the first; without a name the model loaded last."
    ),
]
Exact = Annotated[bool, typer.Option("--exact", help="The argument is a whole key or path, not a part of one.")]
Local = Annotated[bool, typer.Option("--local", hidden=True, help="Only models of this machine, as all are.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms load tiny-chat", "load it under its own name"),
        ("lms load qwen3-4b -c 8192 --ttl 600 --identifier helper", "for 10 idle minutes, as “helper”"),
        ("lms load qwen3-4b -c 32768 --kv-cache-type q8_0 --estimate-only", "would it fit?"),
        ("lms load qwen3-4b --reuse --pin", "in scripts: loaded once, however often this runs"),
    ]
    command(root, "load", section=section, remote=True, examples=examples)(load)


def load(
    session: Session,
    model_key: ModelKey = None,
    gpu: Gpu = None,
    context_length: ContextLength = None,
    parallel: Parallel = None,
    ttl: Ttl = None,
    identifier: Identifier = None,
    pin: Pin = False,
    force: Force = False,
    reuse: Reuse = False,
    config_file: ConfigFile = None,
    estimate_only: EstimateOnly = False,
    yes: Yes = False,
    exact: Exact = False,
    tuning: Tuning = UNTUNED,
    speculative: Speculative = UNASKED,
    local: Local = False,
) -> None:
    """Load a model. Loading one that is loaded gives a second instance of it, unless --reuse is given."""
    from lms.cli.load_file import load_config, options_in, said
    from lms.client.control import LoadRequest

    tokens, ratio = context_tokens(context_length), gpu_ratio(gpu)
    given = {"context_length": tokens, "parallel": parallel, "gpu_ratio": ratio}
    asked, kept = options_in(config_file) if config_file else ({}, None)
    asked |= speculative.asked() | tuning.asked() | {name: value for name, value in given.items() if value is not None}
    load_config({name: value for name, value in asked.items() if value != "max"})
    if asked.get("lora"):
        session.require_here("A LoRA adapter")
    daemon = session.daemon()
    row = _last(session, daemon) if yes and not (model_key or exact) else None
    row = row or choose(session, daemon, model_key, exact=exact, yes=yes)
    identifiers.require_own(daemon, identifier, row)
    if asked.get("context_length") == "max":
        asked["context_length"] = longest_context(row.key, row.max_context_length)
    config = load_config(asked)
    if kept:
        ttl, pin = ttl or kept.ttl_s, pin or kept.pinned
    request = LoadRequest(row.key, identifier, ttl, config, pin, force, reuse, said(asked, config))
    if estimate_only:
        return show_estimate(session, daemon.estimate(request), config)
    done = _perform(session, daemon, request)
    recent.remember(session, row.key)
    return _show_loaded(session, done, request)


def gpu_ratio(typed: str | None) -> float | None:
    """`off` → 0, `max` → 1, else a number from 0 to 1. Raises UsageError."""
    word = (typed or "").strip().lower()
    if typed is None or word in ("off", "max"):
        return {"off": 0.0, "max": 1.0}.get(word)
    try:
        ratio = float(word)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise UsageError(f"--gpu takes off, max, or a number from 0 to 1, not “{typed}”.")
    return ratio


def context_tokens(typed: str | None) -> int | Literal["max"] | None:
    """A number of tokens, or `max`. Raises UsageError."""
    word = (typed or "").strip().lower()
    if typed is None or word == "max":
        return None if typed is None else "max"
    return whole_number("--context-length", typed, 1, MOST_INT32, also="max")


def longest_context(key: str, tokens: int) -> int:
    """What `-c max` means. Raises Unsupported where the model's header says 0."""
    if not tokens:
        raise Unsupported(f"“{key}” does not say how long its context may be.", hint="Give -c a number.")
    return tokens


def _last(session: Session, daemon: Daemon) -> "ModelRow | None":
    row = recent.latest(session, daemon)
    if row:
        session.output.say(f"Taking {row.key}, which was loaded last.")
    return row


def _perform(session: Session, daemon: Daemon, request: "LoadRequest") -> "LoadDone":
    """Load with a progress bar. Closing the reports, which Ctrl-C does too, cancels the load in the daemon."""
    from lms.client.control import LoadDone

    before = [row.identifier for row in daemon.instances()]
    try:
        with session.output.progress(f"Loading {request.model}") as progress, closing(daemon.load(request)) as reports:
            for report in reports:
                if isinstance(report, LoadDone):
                    return report
                progress(report.progress)
    except KeyboardInterrupt as error:
        session.output.say(outcome(daemon, request, before))
        raise typer.Exit(exits.INTERRUPTED) from error
    raise EngineFailed(f"The daemon broke off loading “{request.model}”.", hint="Its log may say why.")


def _show_loaded(session: Session, done: "LoadDone", request: "LoadRequest") -> None:
    row = done.instance
    for warning in done.warnings:
        session.output.warn(warning)
    if session.output.as_json:
        shape = shapes.instance(row) | {"loadTimeSeconds": round(done.load_time_s, 3)}
        shape |= {"reused": True} if done.reused else {}
        shape |= {"evicted": list(done.evicted)} if done.evicted else {}
        return session.output.json(shape | ({"warnings": list(done.warnings)} if done.warnings else {}))
    took = "It was loaded already." if done.reused else f"Loaded in {units.elapsed(done.load_time_s)}."
    session.output.say(took)
    at_once = "" if row.model.kind == "embedding" else f", {row.parallel} at once"
    session.output.say(f"({units.memory(row.model.size_bytes)}, context {row.context_length:,} tokens{at_once})")
    if done.evicted:
        session.output.say(f"Unloaded to make room: {', '.join(done.evicted)}.")
    for said in chosen(row, request, reused=done.reused):
        session.output.hint(said)
    if request.identifier is None and not done.reused and row.identifier != row.model.key:
        session.output.say(f"“{row.model.key}” was loaded already: this is one more instance of it.")
    session.output.say('Use this identifier in the API: "', Styled(row.identifier, "green"), '"')
    return None


def chosen(row: "InstanceRow", request: "LoadRequest", *, reused: bool = False) -> list[str]:
    """What was not asked for and yet is so: what is set for the model, and a context shorter than it could be."""
    from msgspec.structs import asdict

    from lms.config.load import LoadConfig

    unasked = LoadConfig(), request.config
    set_ = {
        name: value for name, value in asdict(row.config).items() if value not in [getattr(c, name) for c in unasked]
    }
    set_ |= {"ttl_s": row.ttl_s} if row.ttl_s is not None and request.ttl_s is None else {}
    set_ |= {"pinned": True} if row.pinned and not request.pinned else {}
    whence = "As it was loaded before" if reused else f"As set for {row.model.key} (lms config)"
    lines = [f"{whence}: {', '.join(in_words(name, set_[name]) for name in sorted(set_))}."] if set_ else []
    if row.config.context_length is None and row.context_length < row.model.max_context_length:
        lines.append(
            f"The context is the default one; the model takes {row.model.max_context_length:,} tokens (-c max)."
        )
    return lines


def in_words(name: str, value: Any) -> str:
    """A setting of a loaded model as people say it: `context length 8192`, `unloaded when idle for 90 s`."""
    match name:
        case "ttl_s":
            return f"unloaded when idle for {shown(value)} s"
        case "pinned":
            return "pinned"
        case _:
            return f"{name.replace('_', ' ')} {shown(value, MOST_LETTERS)}"
