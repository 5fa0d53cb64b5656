"""What a model's own files say beyond what the catalog keeps of it: metadata, chat template, licence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lms.catalog import gguf, mlx_facts
from lms.catalog.gguf import Array
from lms.catalog.model import Format, Model

TEMPLATE_KEY = "tokenizer.chat_template"
README_BYTES = 1 << 16
_FRONT_MATTER = re.compile(r"\A---\s*\n(?P<lines>.*?)\n---\s*$", re.DOTALL | re.MULTILINE)

Metadata = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Details:
    """`metadata` are the single values of a GGUF header or of `config.json`; lists and the template are left out.

    `licence` is as its maker writes it, a name on the hub mostly.
    """

    metadata: Metadata
    chat_template: str | None
    licence: str | None
    licence_link: str | None


def read(model: Model) -> Details:
    """The details of `model`. Raises ModelDamaged, or OSError."""
    if model.format is Format.MLX:
        metadata = _single_values(mlx_facts.read_config(model.path))
        template, folder = mlx_facts.read_chat_template(model.path) or None, model.path
    else:
        header = gguf.read(model.path)
        metadata = {key: value for key, value in header.metadata.items() if not isinstance(value, Array)}
        template, folder = header.text(TEMPLATE_KEY), model.path.parent
        metadata = {key: value for key, value in metadata.items() if not key.startswith(TEMPLATE_KEY)}
    card = _card(folder)
    licence = metadata.get("general.license.name") or metadata.get("general.license") or card.get("license")
    link = metadata.get("general.license.link") or card.get("license_link")
    return Details(metadata, template, str(licence) if licence else None, str(link) if link else None)


def _single_values(config: Mapping[str, object], above: str = "") -> dict[str, str | int | float]:
    """What is in objects inside has a name with dots: `text_config.hidden_size`."""
    found: dict[str, str | int | float] = {}
    for key, value in config.items():
        if isinstance(value, dict) and above.count(".") < 2:
            found |= _single_values(value, f"{above}{key}.")
        elif isinstance(value, str | int | float):
            found[above + key] = value
    return found


def _card(folder: Path) -> Mapping[str, str]:
    """The plain lines at the head of a README on the hub, where its licence is named."""
    try:
        with (folder / "README.md").open("rb") as file:
            text = file.read(README_BYTES).decode(errors="replace")
    except OSError:
        return {}
    found = _FRONT_MATTER.search(text)
    lines = (line.partition(":") for line in (found["lines"] if found else "").splitlines())
    return {key: value.strip().strip("\"'") for key, _, value in lines if value.strip() and not key.startswith(" ")}
