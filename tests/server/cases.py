"""Cases that are files: the parts of each are `<case>.<part>.json` in the folder of its API."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lms.generation.events import Event

_DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Case:
    """One case. `request` is what is posted, `events` what the engine answers."""

    folder: Path
    name: str

    def __str__(self) -> str:
        return self.name

    def read(self, part: str, kind: Any = Any) -> Any:
        """That part, as a `kind`."""
        return msgspec.json.decode((self.folder / f"{self.name}.{part}.json").read_bytes(), type=kind)

    @property
    def request(self) -> dict[str, Any]:
        body: dict[str, Any] = self.read("request")
        return body

    @property
    def events(self) -> tuple[tuple[Event, ...], ...]:
        batches: tuple[tuple[Event, ...], ...] = self.read("events", tuple[tuple[Event, ...], ...])
        return batches


def cases_in(*folders: str) -> list[Case]:
    """Those in a folder of `tests/data`."""
    folder = _DATA.joinpath(*folders)
    names = sorted(path.name.removesuffix(".request.json") for path in folder.glob("*.request.json"))
    return [Case(folder, name) for name in names]
