"""`lms config preset list | show | set | unset | remove | path`: what requests may name instead of saying it.

A preset is a file, so these commands need no daemon, and what they change counts from the next request on.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli.command import command, group
from lms.cli.output import Table
from lms.cli.session import Session
from lms.cli.setting import name_of, shown
from lms.errors import LmsError

if TYPE_CHECKING:
    from lms.config.presets import Presets

MOST_IN_A_ROW = 40

app = group(
    "preset",
    "Presets: named sets of settings for requests. What a request says itself goes over them.",
    examples=[
        ("lms config preset set poet temperature 1.2", "makes it if there is none"),
        ("lms config preset set poet system_prompt 'Answer in rhymes.'", "where a chat has none"),
        ("lms chat --preset poet", 'in requests: "preset": "poet"'),
    ],
)

Name = Annotated[str, typer.Argument(metavar="preset", help="Its name, as lms config preset list shows it.")]
AnyName = Annotated[str | None, typer.Argument(metavar="preset", help="Its file. Default: the folder of them all.")]
Setting = Annotated[
    str,
    typer.Argument(
        metavar="setting",
        help="system_prompt, reasoning, reasoning_budget; or as in requests: temperature, top_p, top_k, min_p, "
        "repeat_penalty, presence_penalty, frequency_penalty, typical_p, xtc_probability, xtc_threshold, "
        "dry_multiplier, dry_base, dry_allowed_length, dry_penalty_last_n, dry_sequence_breakers, logit_bias, seed, "
        "max_tokens, stop, json_schema, regex, grammar, context_overflow_policy, draft_model.",
    ),
]
Value = Annotated[str, typer.Argument(metavar="value", help="Lists and schemas as JSON.")]


@command(app, "list", examples=[("lms config preset list --json", "with all settings")])
def list_(session: Session) -> None:
    """List the presets, also those whose files are damaged."""
    presets = _presets(session)
    listed = [_described(presets, name) for name in presets.names()]
    if session.output.as_json:
        return session.output.json(listed)
    if not listed:
        return session.output.hint("There are no presets. lms config preset set makes one.")
    rows = tuple((each["name"], _summary(each)) for each in listed)
    session.output.table(Table(("PRESET", "SETTINGS"), rows))
    for each in listed:
        if "error" in each:
            session.output.warn(each["error"])
    return None


@command(app, "show", examples=[("lms config preset show poet", "as its file has it")])
def show(session: Session, name: Name) -> None:
    """Print what a preset says."""
    presets = _presets(session)
    fields = presets.fields(name)
    if session.output.as_json:
        return session.output.json(_shape(presets, name, fields))
    return session.output.data(json.dumps(fields, indent=2, ensure_ascii=False))


@command(
    app,
    "set",
    dashes=True,
    examples=[
        ("lms config preset set sage temperature 0", "always the likeliest token"),
        ('lms config preset set sage system_prompt "$(cat sage.txt)"', "a longer text"),
        ("lms config preset set sage stop '[\"END\"]'", "a list"),
    ],
)
def set_(session: Session, name: Name, setting: Setting, value: Value) -> None:
    """Set one thing in a preset, checked before it is written. Makes the preset if there is none of that name."""
    from lms.config.presets import Preset
    from lms.config.typed import value as value_of
    from lms.errors import PresetNotFound

    presets, field = _presets(session), name_of(setting)
    written = value_of(field, value, Preset)
    try:
        before = presets.fields(name)
    except PresetNotFound:
        before = {}
    path = presets.write(name, before | {field: written})
    if session.output.as_json:
        return session.output.json({"preset": path.stem, "setting": field, "value": written})
    return session.output.say(f"{path.stem}: {field} is {_in_a_row(written)}. It counts from the next request on.")


@command(app, "unset", dashes=True, examples=[("lms config preset unset poet seed", "left to the request again")])
def unset(session: Session, name: Name, setting: Setting) -> None:
    """Take a setting out of a preset. Ends with 1 if it is not there."""
    presets, field = _presets(session), name_of(setting)
    fields = presets.fields(name)
    if field not in fields:
        raise LmsError(f"{field} is not set in {name}.", hint=f"lms config preset show {name} prints what is.")
    del fields[field]
    path = presets.write(name, fields)
    if session.output.as_json:
        return session.output.json({"preset": path.stem, "setting": field})
    return session.output.say(f"{path.stem}: {field} is not set any more.")


@command(app, "remove", examples=[("lms config preset remove poet", "its file is deleted")])
def remove(session: Session, name: Name) -> None:
    """Delete a preset."""
    path = _presets(session).remove(name)
    if session.output.as_json:
        return session.output.json({"preset": path.stem, "path": str(path)})
    return session.output.say(f"Deleted {path.stem}.")


@command(app, "path", examples=[("$EDITOR $(lms config preset path poet)", "checked when it is read")])
def path(session: Session, name: AnyName = None) -> None:
    """Print where a preset is, or the folder of them all."""
    found = session.home.presets if name is None else _presets(session).path(name)
    return session.output.json({"path": str(found)}) if session.output.as_json else session.output.data(str(found))


def _presets(session: Session) -> "Presets":
    from lms.config.presets import Presets

    return Presets(session.home.presets)


def _described(presets: "Presets", name: str) -> dict[str, Any]:
    try:
        return _shape(presets, name, presets.fields(name))
    except LmsError as error:
        return {"name": name, "path": str(presets.path(name)), "error": str(error)}


def _shape(presets: "Presets", name: str, fields: dict[str, Any]) -> dict[str, Any]:
    path = presets.path(name)
    return {"name": path.stem, "path": str(path), "settings": fields}


def _summary(each: dict[str, Any]) -> str:
    """The settings in one line."""
    if "error" in each:
        return "damaged"
    return ", ".join(f"{field} {_in_a_row(value)}" for field, value in sorted(each["settings"].items())) or "-"


def _in_a_row(value: Any) -> str:
    return " ".join(shown(value, MOST_IN_A_ROW).split())
