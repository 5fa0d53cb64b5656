"""A GGUF file that is not called like one, as a store that names files by their hash keeps it: Ollama's, or the hub's.

What it is, and what to call it, its header says.
"""

from pathlib import Path

from lms.catalog import gguf, gguf_facts
from lms.catalog.facts import Facts, Role, clean_name
from lms.catalog.gguf import Header
from lms.catalog.quantization import without_token
from lms.errors import ModelDamaged, UsageError

MAGIC = b"GGUF"


def is_gguf(path: Path) -> bool:
    """Whether the file begins as one does. False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read(path: Path) -> tuple[Facts, str | None]:
    """What its header tells, and what it is called by it, without quantization; None if it does not say.

    Raises OSError, ModelDamaged when it is not whole, and UsageError for a part of a model.
    """
    facts = gguf_facts.read(path)
    if facts.damaged:
        raise ModelDamaged(f"{path} is no whole model. {facts.damaged}", hint="Nothing was touched.")
    header = gguf.read(path)
    if (header.integer("split.count") or 1) > 1:
        raise UsageError(
            f"{path.name} is one of several files of a model.",
            hint="Give them names like model-00001-of-00003.gguf, in one folder.",
        )
    return facts, _name(header)


def file_name(facts: Facts, name: str) -> str:
    """What to call the file: `Llama-3.2-3B-Q4_K_M.gguf`; a projector's begins with `mmproj-`."""
    marked = f"mmproj-{name}" if facts.role is Role.PROJECTOR and "mmproj" not in name.lower() else name
    return f"{marked}-{facts.quantization.name}.gguf" if facts.quantization else f"{marked}.gguf"


def _name(header: Header) -> str | None:
    parts = (header.text("general.basename"), header.text("general.size_label"), header.text("general.finetune"))
    whole = header.text("general.name") or ("-".join(filter(None, parts)) if parts[0] else None)
    cleaned = clean_name(whole)
    return without_token("-".join(cleaned.split())) if cleaned else None
