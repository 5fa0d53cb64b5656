"""`lms show`: all about one model on disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli import disk, shapes, units
from lms.cli.command import command
from lms.cli.load import ContextLength, Parallel, context_tokens, longest_context
from lms.cli.output import Table
from lms.cli.session import Daemon, Session
from lms.cli.tuning import KvCacheType
from lms.errors import ModelNotFound

if TYPE_CHECKING:
    from lms.catalog.details import Details
    from lms.catalog.model import Model
    from lms.client.control import MemoryEstimate

ModelKey = Annotated[str, typer.Argument(metavar="model", help="A key that lms ls shows, or a part of it.")]
Template = Annotated[bool, typer.Option("--template", help="Print the chat template, nothing else.")]
Metadata = Annotated[bool, typer.Option("--metadata", help="Print all metadata of the model's own header too.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms show qwen3-4b", "what it is, can do, and takes"),
        ("lms show qwen3-4b -c 32768 --kv-cache-type q8_0", "the memory that it would take so"),
        ("lms show qwen3-4b --template > chat.jinja", "its chat template"),
    ]
    command(root, "show", section=section, examples=examples)(show)


def show(
    session: Session,
    model: ModelKey,
    context_length: ContextLength = None,
    parallel: Parallel = None,
    kv_cache_type: KvCacheType = None,
    template: Template = False,
    metadata: Metadata = False,
) -> None:
    """Show what a model is and what it can do. With its licence, and the memory that it would take."""
    from lms.catalog import details

    tokens = context_tokens(context_length)
    daemon = session.daemon()
    meant = disk.catalog(session, Path(daemon.status().models_dir)).resolve(model, fuzzy=True)
    meant.require_sound()
    told = details.read(meant)
    if template:
        return _show_template(session, meant, told)
    tokens = longest_context(meant.key, meant.max_context_length) if tokens == "max" else tokens
    estimate = _estimate(daemon, meant, tokens, parallel, kv_cache_type)
    if estimate and tokens and tokens > estimate.context_length:
        session.output.warn(f"The model takes {estimate.context_length:,} tokens at most, not {tokens:,}.")
    if session.output.as_json:
        return session.output.json(_shape(meant, told, estimate))
    session.output.table(Table(("MODEL", meant.key), tuple(_rows(meant, told, estimate))))
    if metadata:
        session.output.data("")
        session.output.table(Table(("METADATA", ""), tuple((key, str(value)) for key, value in told.metadata.items())))
    return None


def _show_template(session: Session, model: "Model", told: "Details") -> None:
    if told.chat_template is None:
        raise ModelNotFound(
            f"“{model.key}” has no chat template.", hint="Models that only embed or complete have none."
        )
    if session.output.as_json:
        return session.output.json({"modelKey": model.key, "chatTemplate": told.chat_template})
    return session.output.raw(told.chat_template)


def _estimate(
    daemon: Daemon, model: "Model", tokens: int | None, parallel: int | None, cache_types: Any
) -> "MemoryEstimate | None":
    """None for a model that cannot be loaded here."""
    from lms.cli.load_file import load_config, said
    from lms.client.control import LoadRequest
    from lms.errors import Unsupported

    keys, values = cache_types or (None, None)
    asked = {"context_length": tokens, "parallel": parallel, "k_cache_type": keys, "v_cache_type": values}
    asked = {name: value for name, value in asked.items() if value}
    config = load_config(asked)
    try:
        return daemon.estimate(LoadRequest(model.key, config=config, said=said(asked, config)))
    except Unsupported:
        return None


def _rows(model: "Model", told: "Details", estimate: "MemoryEstimate | None") -> "list[tuple[str, str]]":
    quantization = model.quantization.name if model.quantization else ""
    rows = [
        ("Name", model.display_name),
        ("Publisher", model.publisher),
        ("Type", "embedding" if model.kind == "embedding" else "llm"),
        ("Architecture", model.arch or ""),
        ("Parameters", model.params_label or ""),
        ("Format", f"{model.format.value.upper()} {quantization}".strip()),
        ("Variants", ", ".join(model.variants)),
        ("Size", units.disk(model.size_bytes)),
        ("Context", f"{model.max_context_length:,} tokens" if model.max_context_length else ""),
        ("Can", ", ".join(_capabilities(model))),
        ("Reasoning", ", ".join(model.reasoning.options) if model.reasoning else ""),
        ("Chat template", f"{len(told.chat_template):,} characters (--template)" if told.chat_template else "none"),
        ("Licence", " ".join(filter(None, (told.licence, told.licence_link))) or "not said"),
        ("Memory", _memory(estimate) if estimate else "cannot be loaded by this version"),
        *(("File", str(file)) for file in model.files),
    ]
    return [(name, value) for name, value in rows if value]


def _memory(figures: "MemoryEstimate") -> str:
    parts = (
        ("weights", figures.weights_bytes),
        ("context", figures.context_bytes),
        ("computing", figures.compute_bytes),
        ("the engine", figures.engine_bytes),
        ("prompt cache at most", figures.prompt_cache_bytes),
    )
    listed = ", ".join(f"{name} {units.memory(size_bytes)}" for name, size_bytes in parts if size_bytes)
    return f"{units.memory(figures.total_bytes)} for {figures.context_length:,} tokens: {listed}"


def _capabilities(model: "Model") -> list[str]:
    if model.kind == "embedding":
        return ["embed"]
    found = {"chat": model.has_chat_template, "see": model.vision, "use tools": model.tool_use}
    return ["complete", *(name for name, has in found.items() if has), *(["reason"] if model.reasoning else [])]


def _shape(model: "Model", told: "Details", estimate: "MemoryEstimate | None") -> dict[str, Any]:
    """`ModelInfo`, and behind it what only this command tells."""
    from lms.pool.rows import model_row

    optional: dict[str, Any] = {
        "license": told.licence,
        "licenseLink": told.licence_link,
        "chatTemplate": told.chat_template,
        "reasoning": list(model.reasoning.options) if model.reasoning else None,
        "estimate": shapes.estimate(estimate) if estimate else None,
    }
    shape = shapes.model(model_row(model)) | {key: value for key, value in optional.items() if value is not None}
    files = [{"path": str(file), "sizeBytes": file.stat().st_size} for file in model.files]
    return shape | {"capabilities": _capabilities(model), "files": files, "metadata": dict(told.metadata)}
