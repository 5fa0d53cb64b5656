"""`lms config set | get | list | unset | path`: settings of the server, and of single models, in files for people.

What is set for a model counts from its next load on, the server's settings when the daemon starts. Both files are
checked when they are written, and again when they are read: they may be edited by hand.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli import presets
from lms.cli.command import Help, command, group, require_subcommand
from lms.cli.output import Table
from lms.cli.session import Session
from lms.cli.setting import name_of, shown
from lms.errors import DaemonUnreachable, LmsError, UsageError

if TYPE_CHECKING:
    from lms.config.defaults import Fields

SERVER = "server"

app = group(
    "config",
    "Settings of the server, and of single models. Of models: how they are loaded, and how they sample.",
    examples=[
        ("lms config set qwen3-4b context_length 16384", "from the next load on, by whomever"),
        ("lms config set server jit_ttl_s 600", "when the daemon starts again"),
        ("lms config list", "what is set, and where"),
    ],
)

ListJson = Annotated[bool, typer.Option("--json", help="Print all settings in JSON, as lms config list --json does.")]
Scope = Annotated[str, typer.Argument(metavar="model", help="The key of a model, or the word server.")]
AnyScope = Annotated[str | None, typer.Argument(metavar="model", help="Only these. Default: all.")]
Setting = Annotated[str, typer.Argument(metavar="setting", help="Its name, as lms config list shows it.")]
NewSetting = Annotated[
    str,
    typer.Argument(
        metavar="setting",
        help="Of the server: models_dir, port, host, require_auth, cors, jit, jit_ttl_s, jit_max_models, "
        "memory_budget_mb, queue_limit, response_days, response_disk_mb, log_disk_mb, record, "
        "separate_reasoning, lenient, allow_ephemeral_mcp, allow_mcp_json. Of a model, as lms load has them: "
        "context_length, parallel, gpu_ratio, threads, batch_threads, batch_size, micro_batch_size, "
        "k_cache_type, v_cache_type, flash_attention, num_experts, unified_kv, offload_kv_cache, use_mmap, "
        "use_mlock, speculation, draft_model, prompt_cache_mb, prompt_cache_disk_mb, overflow, main_gpu, "
        "tensor_split, lora, chat_template; ttl_s, pinned; and as requests have them: temperature, top_k, "
        "top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty, seed.",
    ),
]
Value = Annotated[str, typer.Argument(metavar="value", help="on and off for switches; lists as JSON.")]


def register(root: typer.Typer, section: str) -> None:
    app.add_typer(presets.app)
    root.add_typer(app, rich_help_panel=section)


@app.callback()
def alone(context: typer.Context, as_json: ListJson = False, help_: Help = False) -> None:
    """Without a subcommand: all settings in JSON, if that is asked for."""
    if not as_json:
        return require_subcommand(context)
    session: Session = context.obj
    session.output.as_json = True
    if context.invoked_subcommand is not None:
        raise UsageError("--json goes behind the subcommand.", hint="For example: lms config list --json")
    return list_(session)


@command(
    app,
    "set",
    dashes=True,
    examples=[
        ("lms config set qwen3-4b context_length max", "as long as the model takes"),
        ("lms config set qwen3-4b temperature 0.2", "where a request does not say"),
        ("lms config set server memory_budget_mb 16384", "what all models may take together"),
    ],
)
def set_(session: Session, scope: Scope, setting: NewSetting, value: Value) -> None:
    """Set one thing, checked before it is written."""
    name = name_of(setting)
    if scope == SERVER:
        written = _set_for_server(session, name, value)
    else:
        scope, written = _set_for_model(session, scope, name, value)
    if session.output.as_json:
        return session.output.json({"scope": scope, "setting": name, "value": written})
    counts = _counts_later(session) if scope == SERVER else "It counts from the next load on."
    return session.output.say(f"{scope}: {name} is {shown(written)}. {counts}")


@command(app, "get", dashes=True, examples=[("lms config get server port", "in force, wherever it comes from")])
def get(session: Session, scope: Scope, setting: Setting) -> None:
    """Print one setting. Ends with 1 if it is not set for that model."""
    name = name_of(setting)
    found = _in_force(session)[0] if scope == SERVER else _of_model(session, scope)
    if name not in found:
        raise LmsError(f"{name} is not set for {scope}.", hint=f"lms config list {scope} shows what is.")
    if session.output.as_json:
        return session.output.json({"scope": scope, "setting": name, "value": found[name]})
    whole = found[name] if isinstance(found[name], str) else shown(found[name])
    return session.output.data(whole)


@command(app, "list", examples=[("lms config list qwen3-4b", "of one model"), ("lms config list --json", "all of it")])
def list_(session: Session, scope: AnyScope = None) -> None:
    """Print what is set. For the server what is in force, and where that comes from; for models what differs."""
    from lms.config import defaults

    in_force, sources = _in_force(session) if scope in (None, SERVER) else ({}, {})
    models = {} if scope == SERVER else defaults.read(session.home.model_defaults)
    if scope not in (None, SERVER):
        models = {key: fields for key, fields in models.items() if key == _key(session, str(scope), models)}
    if session.output.as_json:
        server = {name: {"value": value, "source": sources[name]} for name, value in in_force.items()}
        return session.output.json(({"server": server} if in_force else {}) | {"models": models})
    rows = [(SERVER, name, shown(value), sources[name]) for name, value in in_force.items()]
    rows += [(key, name, shown(value), "file") for key, fields in models.items() for name, value in fields.items()]
    if not rows:
        return session.output.hint(f"Nothing is set for {scope}.")
    return session.output.table(Table(("FOR", "SETTING", "VALUE", "FROM"), tuple(rows)))


@command(
    app, "unset", dashes=True, examples=[("lms config unset qwen3-4b context_length", "as if it had never been set")]
)
def unset(session: Session, scope: Scope, setting: Setting) -> None:
    """Take a setting out of its file. Ends with 1 if it is not there."""
    from lms.config import defaults, settings

    name = name_of(setting)
    if scope == SERVER:
        fields = settings.unchecked(session.home.settings)
        _take_out(fields, name, scope)
        settings.write(session.home.settings, fields)
    else:
        models = defaults.unchecked(session.home.model_defaults)
        scope = _key(session, scope, models)
        _take_out(models.setdefault(scope, {}), name, scope)
        defaults.write(session.home.model_defaults, models)
    if session.output.as_json:
        return session.output.json({"scope": scope, "setting": name})
    counts = f" {_counts_later(session)}" if scope == SERVER else ""
    return session.output.say(f"{scope}: {name} is not set any more.{counts}")


@command(app, "path", examples=[("$EDITOR $(lms config path)", "both files, whether they are there or not")])
def path(session: Session) -> None:
    """Print the files that settings are in: the server's, and the models'."""
    files = {"server": str(session.home.settings), "models": str(session.home.model_defaults)}
    if session.output.as_json:
        return session.output.json(files)
    return session.output.data("\n".join(files.values()))


def _set_for_server(session: Session, name: str, typed: str) -> Any:
    from lms.config import settings
    from lms.config.models_folder import require_folder
    from lms.config.typed import value

    written = value(name, typed, settings.Settings)
    if name == "models_dir":
        require_folder(written)
    fields = settings.unchecked(session.home.settings) | {name: written}
    settings.write(session.home.settings, fields)
    source = settings.source(name, fields, session.environ)
    if source != "file":
        session.output.warn(f"{source} is set in this environment, and goes over the file.")
    return written


def _counts_later(session: Session) -> str:
    """When a setting of the server counts, and how to get there where a daemon runs."""
    counts = "It counts when the daemon starts again."
    try:
        session.running_daemon().status()
    except DaemonUnreachable:
        return counts
    return f"{counts} One runs now: lms daemon down ends it."


def _set_for_model(session: Session, typed_key: str, name: str, typed: str) -> tuple[str, Any]:
    from lms.config import defaults
    from lms.config.load import LoadConfig
    from lms.config.typed import value

    row = session.daemon().resolve(typed_key)
    if name == "context_length" and typed.lower() == "max":
        typed = str(row.max_context_length)
    written = value(name, typed, LoadConfig, defaults.Kept, defaults.SamplingDefaults)
    if name == "context_length" and 0 < row.max_context_length < written:
        raise UsageError(f"{row.key} takes a context of {row.max_context_length} tokens at most, not {written}.")
    models = defaults.unchecked(session.home.model_defaults)
    defaults.write(session.home.model_defaults, models | {row.key: models.get(row.key, {}) | {name: written}})
    return row.key, written


def _in_force(session: Session) -> tuple[dict[str, Any], dict[str, str]]:
    """The server's settings, and where each comes from."""
    import msgspec

    from lms.config import settings

    fields = settings.stored(session.home.settings)
    in_force = msgspec.structs.asdict(settings.read(session.home.settings, session.environ))
    return in_force, {name: settings.source(name, fields, session.environ) for name in in_force}


def _of_model(session: Session, typed: str) -> "Fields":
    from lms.config import defaults

    models = defaults.read(session.home.model_defaults)
    return models.get(_key(session, typed, models), {})


def _key(session: Session, typed: str, models: "dict[str, Fields]") -> str:
    """The key that is meant. One that something is set for is known without the model being there."""
    return typed if typed in models else session.daemon().resolve(typed).key


def _take_out(fields: "Fields", name: str, scope: str) -> None:
    if name not in fields:
        raise LmsError(f"{name} is not set for {scope}.", hint=f"lms config list {scope} shows what is.")
    del fields[name]
