"""Which models an API shows: each one on disk, and each loaded one under its identifier."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from lms.client.control import InstanceRow, ModelRow
from lms.errors import ModelNotFound
from lms.server.services import Backend


@dataclass(frozen=True)
class Visible:
    """One name that a request may use, the model behind it, and the instance if there is one by that name."""

    id: str
    model: ModelRow
    instance: InstanceRow | None = None

    @property
    def is_loaded(self) -> bool:
        return self.instance is not None and self.instance.state != "loading"


def listed(backend: Backend, everything_anyway: bool = False) -> list[Visible]:
    """What a list shows: everything when requests may load models, else what is loaded."""
    everything = _everything(backend)
    return everything if everything_anyway or backend.jit() else [row for row in everything if row.is_loaded]


def find(backend: Backend, name: str) -> Visible:
    """The model by that name: an exact name, else a key in any letter case or one of its variants, else whatever a
    request may call it.

    Raises ModelNotFound naming what is there, and AmbiguousModel.
    """
    everything = _everything(backend)
    for row in everything:
        if row.id == name:
            return row
    for row in everything:
        if name.lower() in (row.model.key.lower(), *map(str.lower, row.model.variants)):
            return row
    with suppress(ModelNotFound):
        meant = backend.resolve(name)
        if meant.damaged is None:
            return next((row for row in everything if row.model.key == meant.key), Visible(meant.key, meant))
    raise ModelNotFound(f"No model is called “{name}”.", hint=_what_is_there(everything), param="model")


def _everything(backend: Backend) -> list[Visible]:
    instances = {row.identifier: row for row in backend.instances()}
    return sorted(_rows(backend.models(), instances), key=lambda row: row.id)


def _rows(models: list[ModelRow], instances: dict[str, InstanceRow]) -> Iterator[Visible]:
    for identifier, instance in instances.items():
        yield Visible(identifier, instance.model, instance)
    for model in models:
        if model.key not in instances and model.damaged is None:
            yield Visible(model.key, model)


def _what_is_there(rows: list[Visible]) -> str:
    if not rows:
        return "There are no models yet."
    return f"There are: {', '.join(row.id for row in rows)}."
