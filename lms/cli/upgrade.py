"""How this installation is brought up to date: by whatever put it there."""

import json
import shlex
import sys
from importlib.metadata import distribution
from pathlib import PurePath
from typing import Any

NAME = "lms"


def words() -> str:
    """The command line that does it, for a person to run."""
    return upgrade(sys.prefix, sys.executable, json.loads(distribution(NAME).read_text("direct_url.json") or "{}"))


def upgrade(prefix: str, python: str, origin: dict[str, Any]) -> str:
    """For an environment in `prefix`; `origin` is what pip noted, empty for what came from the package index.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    folders = PurePath(prefix).parts
    if "pipx" in folders:
        return f"pipx upgrade {NAME}"
    if "uv" in folders and "tools" in folders:
        return f"uv tool upgrade {NAME}"
    pip = f"{shlex.quote(python)} -m pip install"
    if "dir_info" in origin:
        folder = shlex.quote(origin["url"].removeprefix("file://"))
        editable = "-e " if origin["dir_info"].get("editable") else ""
        return f"git -C {folder} pull && {pip} --upgrade {editable}{folder}"
    if "archive_info" in origin:
        return f"{pip} --upgrade NEW-FILE.whl"
    if "vcs_info" in origin:
        return f"{pip} --upgrade {origin['vcs_info']['vcs']}+{origin['url']}"
    return f"{pip} --upgrade {NAME}"
