"""Presets: named sets of what a request may leave open. `<home>/presets/<name>.json`, each a file to be read by people.

    {"system_prompt": "Answer in rhymes.", "temperature": 1.2, "max_tokens": 300}

A preset says nothing of how a model is loaded, as in LM Studio. Files are checked whenever they are read or written,
and read anew for each request that names one.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from lms.config.complaints import in_words
from lms.config.prediction import Prediction
from lms.errors import PresetNotFound, UsageError
from lms.paths import write_atomically

FORMS = ("json_schema", "regex", "grammar")
MOST_NAMED = 20

_NAME = re.compile(r"[^\W_][\w.-]{0,59}")  # within the 255 bytes of a file's name, in whatever script

Fields = dict[str, Any]


class Preset(Prediction, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Raises ValueError (when decoded: msgspec.ValidationError) for settings that exclude each other.

    system_prompt: of conversations that have none; a text that is continued knows no such thing
    reasoning: how a model is to think that can be told how, in the words of LM Studio's REST API and OpenAI's
    reasoning_budget: tokens after which it has to answer; −1 is no limit
    """

    system_prompt: str | None = None
    reasoning: Literal["off", "on", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    reasoning_budget: Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)] | None = None

    def __post_init__(self) -> None:
        forms = [form for form in FORMS if getattr(self, form) is not None]
        if len(forms) > 1:
            raise ValueError(f"{forms[0]} and {forms[1]} ask for different forms")
        if self.max_tokens == 0:
            raise ValueError("max_tokens is at least 1, or −1 for no limit")


class Presets:
    """Those in a folder, which need not be there; without a folder there are none. Safe to use from any process."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Sorted. What is no name of a preset is passed over: files that people keep beside them."""
        files = self._folder.glob("*.json") if self._folder else ()
        return sorted(file.stem for file in files if _NAME.fullmatch(file.stem))

    def named(self, typed: str | None) -> Preset | None:
        """The preset that is meant; None for nothing. Raises as `fields` does."""
        return check(*self._read(typed)) if typed else None

    def fields(self, typed: str) -> Fields:
        """What the file of a preset says. Raises PresetNotFound, and UsageError naming the file and what is wrong."""
        where, fields = self._read(typed)
        check(where, fields)
        return fields

    def path(self, typed: str) -> Path:
        """The file of the preset that is meant, in any letter case. Raises PresetNotFound, which says what there is."""
        names = self.names()
        found = typed if typed in names else next((name for name in names if name.lower() == typed.lower()), None)
        if found:
            return self._file(found)
        there = f"There are: {', '.join(names[:MOST_NAMED])}{'…' if len(names) > MOST_NAMED else '.'}"
        raise PresetNotFound(
            f"No preset is called “{typed}”.",
            hint=there if names else "There are none yet: lms config preset set makes one.",
            param="preset",
        )

    def write(self, typed: str, fields: Fields) -> Path:
        """Make or replace a preset. Raises UsageError naming what is wrong, and writes nothing then."""
        check(f"“{typed}”", fields)
        path = self._file_for(typed)
        write_atomically(path, json.dumps(fields, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        return path

    def remove(self, typed: str) -> Path:
        """The file that is no more. Raises PresetNotFound."""
        path = self.path(typed)
        path.unlink(missing_ok=True)
        return path

    def _file_for(self, typed: str) -> Path:
        """The file of a preset that is there or is to be. Raises UsageError for what cannot be a name."""
        try:
            return self.path(typed)
        except PresetNotFound:
            if not _NAME.fullmatch(typed):
                raise UsageError(
                    f"“{typed}” cannot be the name of a preset.",
                    hint="Up to 60 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
                ) from None
            return self._file(typed)

    def _read(self, typed: str) -> tuple[str, Fields]:
        path = self.path(typed)
        try:
            return f"In {path}", msgspec.json.decode(path.read_bytes(), type=Fields)
        except FileNotFoundError:
            raise PresetNotFound(f"The preset “{typed}” was just removed.", param="preset") from None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError(
                f"{path} cannot be read as a preset: {error}.", hint="Mend it or remove it.", param="preset"
            ) from error

    def _file(self, name: str) -> Path:
        assert self._folder
        return self._folder / f"{name}.json"


def check(where: str, fields: Fields) -> Preset:
    """The preset that these fields are. Raises UsageError."""
    try:
        return msgspec.convert(fields, Preset)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{where}: {in_words(str(error))}.", hint="lms config preset set --help names the settings.", param="preset"
        ) from error
