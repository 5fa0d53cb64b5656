"""Server settings: environment over `<home>/settings.json` over defaults, checked when read.

Each field is read from the environment variable `LMS_` + its upper-case name, units left out (see `VARIABLES`).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from lms.config.complaints import in_words
from lms.config.hosts import require_host
from lms.config.models_folder import require_absolute
from lms.config.origins import origins
from lms.config.typed import SWITCH
from lms.errors import UsageError
from lms.paths import write_atomically

DEFAULT_PORT = 1234
DEFAULT_HOST = "127.0.0.1"

VARIABLES = {
    "LMS_MODELS_DIR": "models_dir",
    "LMS_SERVER_PORT": "port",
    "LMS_SERVER_HOST": "host",
    "LMS_JIT": "jit",
    "LMS_JIT_TTL": "jit_ttl_s",
    "LMS_JIT_MAX_MODELS": "jit_max_models",
    "LMS_MEMORY_BUDGET_MB": "memory_budget_mb",
    "LMS_QUEUE_LIMIT": "queue_limit",
    "LMS_RESPONSE_DAYS": "response_days",
    "LMS_RESPONSE_DISK_MB": "response_disk_mb",
    "LMS_LOG_DISK_MB": "log_disk_mb",
    "LMS_RECORD": "record",
    "LMS_REQUIRE_AUTH": "require_auth",
    "LMS_CORS": "cors",
    "LMS_SEPARATE_REASONING": "separate_reasoning",
    "LMS_LENIENT": "lenient",
    "LMS_ALLOW_EPHEMERAL_MCP": "allow_ephemeral_mcp",
    "LMS_ALLOW_MCP_JSON": "allow_mcp_json",
}


class Settings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """models_dir: where models lie, as an absolute path or from ~ on
    port and host: where the HTTP server listens when no flag says; without a port where it did last
    jit: load a model when a request names it
    jit_ttl_s: idle seconds after which such a model is unloaded; 0 keeps it
    jit_max_models: how many such models stay loaded; the least recently used idle one makes room
    memory_budget_mb: memory that all models together may take, in MiB; idle ones make room, the least recently used
        first, unless they are pinned. 0 means all that the machine has free, and what is loaded by hand stays
    queue_limit: requests that may wait for one model, beyond those it works on
    response_days: how long answers of stateful endpoints are kept; 0 keeps none
    response_disk_mb: how much disk they may take, in MiB; the oldest go first
    log_disk_mb: how much disk events take that `lms log show` shows, in MiB; the oldest go first; 0 keeps none
    record: keep requests, prompts and answers among them, for `lms log show` and `lms replay`; they are private
    require_auth: the HTTP server answers only who has an API token
    separate_reasoning: chat completions tell what a model thinks from what it says; off: it stays in the text
    cors: origins whose pages may call the HTTP server, with commas between, or “*” for all
    lenient: the REST API v1 takes `ttl`, as other endpoints do, and passes over keys that it does not know
    allow_ephemeral_mcp: requests may bring MCP servers, by URL, whose tools this server then calls
    allow_mcp_json: requests may name MCP servers of `<home>/mcp.json`, where the HTTP server asks for API tokens
    """

    models_dir: str | None = None
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    host: str | None = None
    jit: bool = True
    jit_ttl_s: Annotated[float, msgspec.Meta(ge=0)] = 3600
    jit_max_models: Annotated[int, msgspec.Meta(ge=1)] = 1
    memory_budget_mb: Annotated[int, msgspec.Meta(ge=0)] = 0
    queue_limit: Annotated[int, msgspec.Meta(ge=1)] = 512
    response_days: Annotated[float, msgspec.Meta(ge=0)] = 30
    response_disk_mb: Annotated[int, msgspec.Meta(ge=1)] = 4096
    log_disk_mb: Annotated[int, msgspec.Meta(ge=0)] = 64
    record: bool = False
    require_auth: bool = False
    cors: str = ""
    separate_reasoning: bool = True
    lenient: bool = False
    allow_ephemeral_mcp: bool = False
    allow_mcp_json: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec turns into the complaint of a field that is wrong."""
        origins(self.cors)
        if self.models_dir is not None:
            require_absolute(self.models_dir)
        if self.host:
            require_host(self.host)

    @property
    def memory_budget_bytes(self) -> int | None:
        return self.memory_budget_mb << 20 or None


def read(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. Raises UsageError naming the file or the variable, and the field that is wrong."""
    stored = unchecked(path)
    _check(stored, f"In {path}")
    for variable, field in VARIABLES.items():
        if environ.get(variable):
            value = _from_variable(field, environ[variable])
            _check({field: value}, f"{variable} is “{environ[variable]}”")
            stored[field] = value
    return _check(stored, "Together")


def stored_models_dir(path: Path) -> str | None:
    """What the file says about the models folder. Raises UsageError if that is wrong; other fields may be."""
    fields = unchecked(path)
    return _check({name: fields[name] for name in ("models_dir",) if name in fields}, f"In {path}").models_dir


def stored(path: Path) -> dict[str, Any]:
    """What the file says. Raises UsageError as `read` does."""
    fields = unchecked(path)
    _check(fields, f"In {path}")
    return fields


def write(path: Path, fields: Mapping[str, Any]) -> None:
    """Replace the file. Raises UsageError naming the field that is wrong, and writes nothing then."""
    _check(dict(fields), "Refused")
    write_atomically(path, json.dumps(fields, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n")


def source(field: str, fields: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> str:
    """Where a setting comes from: the name of a variable, `file` or `default`."""
    variable = next(name for name, named in VARIABLES.items() if named == field)
    return variable if environ.get(variable) else "file" if field in fields else "default"


def _check(fields: dict[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(fields, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{where}: {in_words(str(error))}.", hint="lms config set --help names the settings."
        ) from error


def _from_variable(field: str, typed: str) -> Any:
    """Switches may be set as `lms config set` sets them too: on, off. A folder may be relative to where we are."""
    if field == "models_dir":
        return str(Path(typed).expanduser().absolute())
    is_switch = isinstance(getattr(Settings(), field), bool)
    return SWITCH.get(typed.lower(), typed) if is_switch else typed


def unchecked(path: Path) -> dict[str, Any]:
    """What the file says, be it wrong: to be mended, and checked when it is written. Raises UsageError if it is no JSON
    object.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not a JSON object: {error}.", hint="Mend it or remove it.") from error
