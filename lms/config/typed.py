"""What somebody types for one setting, turned into its value. Pure."""

from typing import Any

import msgspec

from lms.errors import UsageError

SWITCH = {"on": True, "off": False}
# What is a list or an object is typed as JSON.
AS_JSON = ("tensor_split", "lora", "logit_bias", "json_schema", "dry_sequence_breakers")


def value(name: str, typed: str, *kinds: type[msgspec.Struct]) -> Any:
    """The value of setting `name`, which one of `kinds` has, as it stands in a file of JSON.

    Raises UsageError for a setting that none of them has and for what cannot be its value.
    """
    kind = next((kind for kind in kinds if name in kind.__struct_fields__), None)
    if kind is None:
        known = sorted(field for kind in kinds for field in kind.__struct_fields__)
        raise UsageError(f"“{name}” is no setting.", hint=f"The settings are: {', '.join(known)}.")
    read = _read(name, typed, kind)
    if read is None:
        raise UsageError(f"{name} has no value “{typed}”.", hint="lms config unset leaves it open.")
    return msgspec.to_builtins(read)


def _read(name: str, typed: str, kind: type[msgspec.Struct]) -> Any:
    try:
        is_json = name in AS_JSON or (name == "stop" and typed.lstrip().startswith("["))
        written = msgspec.json.decode(typed) if is_json else typed
        return getattr(msgspec.convert({name: written}, kind, strict=False), name)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        if typed.lower() in SWITCH:
            return _switched(name, SWITCH[typed.lower()], kind, error)
        raise UsageError(f"{name} cannot be “{typed}”: {error}.") from error


def _switched(name: str, on: bool, kind: type[msgspec.Struct], complaint: Exception) -> Any:
    try:
        return getattr(msgspec.convert({name: on}, kind), name)
    except msgspec.ValidationError:
        raise UsageError(f"{name} cannot be “{'on' if on else 'off'}”: {complaint}.") from complaint
