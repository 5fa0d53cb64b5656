"""Which model `lms chat` talks to: one that is loaded, else one that is loaded for it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from lms.cli.choosing import choose
from lms.cli.session import Daemon, Session
from lms.errors import EngineFailed, InvalidRequest, ModelNotLoaded

if TYPE_CHECKING:
    from lms.client.control import InstanceRow, ModelRow

MODES = ("auto", "on", "off", "low", "medium", "high")


def loaded(session: Session, daemon: Daemon, typed: str | None, ttl_s: int, *, yes: bool, ask: bool) -> InstanceRow:
    """The instance to talk to: of that identifier or, without one, the one used last.

    One that has to be loaded gets that TTL. `ask`: a person may choose where nothing is loaded and nothing named.
    Raises as `choose` does, ModelNotLoaded, and InvalidRequest for a model that embeds.
    """
    rows = [row for row in daemon.instances() if row.state != "loading"]
    if typed is None:
        talking = [row for row in rows if row.model.kind != "embedding"]
        if talking:
            return max(talking, key=lambda row: row.last_used_ms or 0)
        if not ask:
            raise ModelNotLoaded("No model is loaded.", hint="Name one: lms chat <model>, or lms load <model> first.")
    for row in rows:
        if row.identifier == typed:
            return _talking(row)
    model = choose(session, daemon, typed, exact=False, yes=yes)
    return next((row for row in rows if row.model.key == model.key), None) or _load(session, daemon, model, ttl_s)


def _talking(row: InstanceRow) -> InstanceRow:
    _require_talk(row.model)
    return row


def _require_talk(model: ModelRow) -> None:
    if model.kind == "embedding":
        raise InvalidRequest(f"“{model.key}” is an embedding model: it cannot talk.", hint="lms ls shows which can.")


def _load(session: Session, daemon: Daemon, model: ModelRow, ttl_s: int) -> InstanceRow:
    """Ctrl-C closes the reports, which cancels the load."""
    from lms.client.control import LoadDone, LoadRequest

    _require_talk(model)
    request = LoadRequest(model.key, ttl_s=ttl_s)
    with session.output.progress(f"Loading {model.key}") as progress, closing(daemon.load(request)) as reports:
        for report in reports:
            if isinstance(report, LoadDone):
                for warning in report.warnings:
                    session.output.warn(warning)
                return report.instance
            progress(report.progress)
    raise EngineFailed(f"The daemon broke off loading “{model.key}”.", hint="Its log may say why.")


def reasoning_fields(mode: str, model: ModelRow) -> dict[str, object]:
    """What a request says so that the model thinks in that way. Raises InvalidRequest when it offers no such choice."""
    if mode == "auto":
        return {}
    if mode not in model.reasoning:
        offered = ", ".join(("auto", *model.reasoning))
        raise InvalidRequest(f"The reasoning of “{model.key}” cannot be set to “{mode}”.", hint=f"It takes: {offered}.")
    if mode in ("on", "off"):
        return {"enable_thinking": mode == "on"}
    return {"reasoning_effort": mode}
