"""Imports point down only, and each heavy package has one door: read off the source of every module."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import lms

ROOT = Path(lms.__file__).parent

LAYERS = (
    {"errors", "limits", "paths", "sizes", "wire"},
    {"generation", "config", "logbus"},
    {"catalog", "history", "text"},
    {"engine", "client", "mcp"},
    {"downloads", "pool"},
    {"server"},
    {"cli", "daemon"},
)
LAYER = {package: number for number, packages in enumerate(LAYERS) for package in packages}

# What others may import of a package. The protocol is also for the engine's siblings: it is words, not workings.
OPEN_PARTS = {"engine": "lms.engine.protocol"}

DOORS = {
    "typer": "lms.cli.*",
    "rich": "lms.cli.*",
    "prompt_toolkit": "lms.cli.chat_prompt",
    "gunicorn": "lms.daemon.*",
    "flask": "lms.server.*",
    "werkzeug": "lms.server.*",
    "httpx": "lms.client.*",
    "mcp": "lms.mcp.session",
    "mcp_types": "lms.mcp.session",
    "jsonschema": "lms.mcp.arguments",
    "llama_cpp": "lms.engine.llama*",
    "mlx": "lms.engine.mlx*",
    "mlx_lm": "lms.engine.mlx*",
    "huggingface_hub": "lms.catalog.hub",
    "httpx2": "lms.catalog.hub",
    "PIL": "lms.engine.pictures",
    "jinja2": "lms.text.template*",
    "llguidance": "lms.text.*",
    "prometheus_client": "lms.server.*",
    "sqlite3": "lms.history.*",
}


def module_names() -> dict[str, Path]:
    """Every module of ours by its dotted name; a package ends with `.__init__`."""
    return {".".join(("lms", *path.relative_to(ROOT).with_suffix("").parts)): path for path in ROOT.rglob("*.py")}


def imports(module: str, source: str) -> Iterator[str]:
    """The dotted names that `source` imports anywhere, in functions too; `from a import b` counts as `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def forbidden(module: str, imported: str) -> str | None:
    """Why `module` must not import `imported`, or None when it may."""
    top, *path = imported.split(".")
    if top != "lms":
        door = DOORS.get(top)
        return f"{top} is only for {door}" if door and not fnmatch(module, door) else None
    if not path:
        return None
    own, other = module.split(".")[1], path[0]
    if own == other or own in ("__init__", "__main__"):
        return None
    if other not in LAYER:
        return None if other.startswith("__") else f"{other} is in no layer"
    if own not in LAYER:
        return f"{own} is in no layer"
    part = OPEN_PARTS.get(other)
    if part and LAYER[own] >= LAYER[other]:
        return None if f"{imported}.".startswith(f"{part}.") else f"of {other}, only {part} is for others"
    return None if LAYER[own] > LAYER[other] else f"{other} is not below {own}"


@pytest.mark.parametrize("module", sorted(module_names()))
def test_a_module_imports_only_what_is_below_it(module: str) -> None:
    source = module_names()[module].read_text(encoding="utf-8")
    reasons = {imported: forbidden(module, imported) for imported in imports(module, source)}
    assert {imported: reason for imported, reason in reasons.items() if reason} == {}


def test_every_package_has_a_layer_and_every_layer_its_packages() -> None:
    there = {path.stem for path in ROOT.glob("[!_]*.py")} | {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert there == set(LAYER)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("lms.wire", "lms.errors.LmsError"),
        ("lms.text.splitter", "lms.catalog.scan"),
        ("lms.text.splitter", "lms.engine.protocol.Ready"),
        ("lms.generation.request", "lms.text"),
        ("lms.pool.state", "lms.engine.loop.Loop"),
        ("lms.pool.state", "lms.engine"),
        ("lms.client.launch", "lms.engine.protocols"),
        ("lms.engine.loop", "lms.client.control"),
        ("lms.cli.app", "lms.daemon.__main__"),
        ("lms.daemon.front", "lms.cli"),
        ("lms.server.app", "lms.daemon"),
        ("lms.server.app", "lms.drawer"),
        ("lms.drawer", "lms.errors"),
        ("lms.server.app", "gunicorn.util"),
        ("lms.daemon.app", "flask.Flask"),
        ("lms.engine.fake", "llama_cpp"),
        ("lms.catalog.scan", "huggingface_hub.HfApi"),
        ("lms.text.stops", "jinja2"),
        ("lms.cli.models", "httpx"),
    ],
)
def test_the_guard_refuses(module: str, imported: str) -> None:
    assert forbidden(module, imported)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("lms.client.control", "lms.engine.protocol.Runtime"),
        ("lms.pool.state", "lms.engine.protocol"),
        ("lms.cli.app", "lms.__version__"),
        ("lms.pool.pool", "lms"),
        ("lms.cli.app", "lms.client.DaemonClient"),
        ("lms.cli.app", "typer"),
        ("lms.engine.llama_batch", "llama_cpp"),
        ("lms.engine.loop", "lms.text.splitter.Splitter"),
        ("lms.__main__", "lms.cli.main"),
        ("lms.cli.__init__", "rich.table"),
    ],
)
def test_the_guard_allows(module: str, imported: str) -> None:
    assert forbidden(module, imported) is None


def test_the_guard_sees_every_form_of_import() -> None:
    source = "import a.b\ndef f():\n    from lms import errors\n    from . import x\n    from ..wire import y\n"
    assert list(imports("lms.engine.loop", source)) == ["a.b", "lms.errors", "lms.engine.x", "lms.wire.y"]
