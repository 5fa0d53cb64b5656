"""What holds for a model wherever nothing else is asked for: `<home>/models.json`, a file to be read by people.

    {"qwen3-4b": {"context_length": 16384, "ttl_s": 600, "temperature": 0.2}}

Keys are models' keys, `key@quantization` for one variant, which goes over what is said of the key. Fields are those of
`LoadConfig`, `Kept` and `SamplingDefaults`; all are checked whenever the file is read or written.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from lms.config.complaints import in_words
from lms.config.load import LoadConfig
from lms.errors import UsageError
from lms.paths import write_atomically

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Kept(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How long a model stays: the idle seconds after which it is unloaded, and whether it makes room for others."""

    ttl_s: Annotated[float, msgspec.Meta(gt=0, le=2**31 - 1)] | None = None
    pinned: bool = False


class SamplingDefaults(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Sampling where a request leaves it open, over what the model's maker recommends. Fields as in requests."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    top_p: Share | None = None
    min_p: Share | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None
    presence_penalty: Annotated[float, msgspec.Meta(ge=-100, le=100)] | None = None
    frequency_penalty: Annotated[float, msgspec.Meta(ge=-100, le=100)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | None = None


LOAD_FIELDS, KEPT_FIELDS = LoadConfig.__struct_fields__, Kept.__struct_fields__
SAMPLING_FIELDS = SamplingDefaults.__struct_fields__
FIELDS = (*LOAD_FIELDS, *KEPT_FIELDS, *SAMPLING_FIELDS)

Fields = dict[str, Any]


class Defaults(msgspec.Struct, frozen=True):
    """What is set for one model."""

    config: LoadConfig = LoadConfig()
    kept: Kept = Kept()
    sampling: SamplingDefaults = SamplingDefaults()

    @classmethod
    def of(cls, fields: Fields) -> "Defaults":
        """Raises msgspec.ValidationError for fields that are unknown, wrong, or exclude each other."""
        sampling = {name: value for name, value in fields.items() if name in SAMPLING_FIELDS}
        kept = {name: value for name, value in fields.items() if name in KEPT_FIELDS}
        rest = {name: value for name, value in fields.items() if name not in (*SAMPLING_FIELDS, *KEPT_FIELDS)}
        return cls(
            msgspec.convert(rest, LoadConfig),
            msgspec.convert(kept, Kept),
            msgspec.convert(sampling, SamplingDefaults),
        )

    def under(self, asked: LoadConfig, said: tuple[str, ...] = ()) -> LoadConfig:
        """`asked`, and what is set here for what it leaves open.

        `said` names fields that are asked for to be what they would be anyway. Raises ValueError when both together
        exclude each other.
        """
        unasked = LoadConfig()
        open_ = [name for name in LOAD_FIELDS if name not in said and getattr(asked, name) == getattr(unasked, name)]
        return msgspec.structs.replace(asked, **{name: getattr(self.config, name) for name in open_})


def read(path: Path) -> dict[str, Fields]:
    """What is set for each model. Raises UsageError naming the file, the model and the field that is wrong."""
    stored = unchecked(path)
    for model, fields in stored.items():
        check(fields, f"In {path}, “{model}”")
    return stored


def unchecked(path: Path) -> dict[str, Fields]:
    """What the file says, be it wrong: to be mended, and checked when it is written. Raises UsageError if it is not of
    that form.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Fields])
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is no JSON of models and their settings: {error}.", hint="Mend it or remove it."
        ) from error


def write(path: Path, models: Mapping[str, Fields]) -> None:
    """Replace the file. Models without settings are left out. Raises UsageError as `read` does, and writes nothing."""
    kept = {model: fields for model, fields in models.items() if fields}
    for model, fields in kept.items():
        check(fields, f"“{model}”")
    write_atomically(path, json.dumps(kept, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n")


def check(fields: Fields, where: str) -> Defaults:
    """Raises UsageError."""
    try:
        return Defaults.of(fields)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{where}: {in_words(str(error))}.", hint="lms config set --help names the settings."
        ) from error


def defaults_of(models: Mapping[str, Fields], key: str) -> Defaults:
    """What is set for the model with that key, `key@quantization` or not. Raises UsageError."""
    bare = key.partition("@")[0]
    return check(models.get(bare, {}) | (models.get(key, {}) if key != bare else {}), f"“{key}”")
