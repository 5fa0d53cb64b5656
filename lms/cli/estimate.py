"""What `lms load --estimate-only` says: the memory that a load would take, what there is, and who would make room."""

from typing import TYPE_CHECKING, Any

from lms.cli import shapes, units
from lms.cli.output import Styled
from lms.cli.session import Session

if TYPE_CHECKING:
    from lms.client.control import MemoryEstimate
    from lms.config.load import LoadConfig

WOULD_BE_REFUSED = "The model would not fit: the load would be refused, except with --force."


def show_estimate(session: Session, figures: "MemoryEstimate", config: "LoadConfig") -> None:
    """Print it on stdout, where LM Studio prints it on stderr: it is what was asked for."""
    if session.output.as_json:
        return session.output.json(_shape(figures, config))
    say = session.output.data
    lowered = f", lowered from {config.context_length:,}" if _is_lowered(config, figures) else ""
    say(f"Model: {figures.model.key}")
    say(f"Context Length: {figures.context_length:,}{lowered}")
    if config.gpu_ratio is not None:
        say(f"GPU Offload: {config.gpu_ratio:.0%}")
    for name, size_bytes in _parts(figures, config):
        say(f"{name + ':':<24}{units.memory(size_bytes)}")
    total = Styled(units.memory(figures.total_bytes), "green" if figures.fits else "yellow")
    say("Estimated Total Memory: ", total)
    say(f"Available Memory:       {units.memory(figures.available_bytes)}")
    if figures.budget_bytes is not None and figures.budget_free_bytes is not None:
        free = units.memory(max(0, figures.budget_free_bytes))
        say(f"Memory Budget:          {units.memory(figures.budget_bytes)}, {free} of it free")
    if figures.evicted:
        say(f"Unloading would free:   {units.memory(figures.freed_bytes)} ({', '.join(figures.evicted)})")
    verdict = "The model can be loaded." if figures.fits else WOULD_BE_REFUSED
    return say(f"\nEstimate: {verdict}")


def _parts(figures: "MemoryEstimate", config: "LoadConfig") -> list[tuple[str, int]]:
    """What the total is made of, and how much of it goes to a GPU where that was asked for."""
    parts = [
        ("Model Memory", figures.weights_bytes),
        ("Context Memory", figures.context_bytes),
        ("Compute Memory", figures.compute_bytes),
    ]
    parts += [("Engine Memory", figures.engine_bytes)] if figures.engine_bytes else []
    parts += [("Draft Model Memory", figures.draft_bytes)] if figures.draft_bytes else []
    parts += [("Prompt Cache, at most", figures.prompt_cache_bytes)] if figures.prompt_cache_bytes else []
    return parts + ([("Estimated GPU Memory", figures.gpu_bytes)] if config.gpu_ratio is not None else [])


def _shape(figures: "MemoryEstimate", config: "LoadConfig") -> dict[str, Any]:
    shape = shapes.estimate(figures)
    if not _is_lowered(config, figures):
        return shape
    warning = f"The context length would be lowered from {config.context_length} to {figures.context_length}."
    return shape | {"warnings": [warning]}


def _is_lowered(config: "LoadConfig", figures: "MemoryEstimate") -> bool:
    return config.context_length is not None and config.context_length > figures.context_length
