"""Pictures from disk, as messages carry them."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lms.errors import UsageError

LARGEST_BYTES = 64 << 20


def message(text: str, pictures: Sequence[str]) -> dict[str, Any]:
    """What the user says, with the pictures at those paths. Raises UsageError for one that cannot be read."""
    if not pictures:
        return {"role": "user", "content": text}
    shown = [{"type": "image_url", "image_url": {"url": data_url(path)}} for path in pictures]
    return {"role": "user", "content": [*shown, {"type": "text", "text": text}]}


def data_url(typed: str) -> str:
    """The picture as a data URL. Raises UsageError."""
    path = Path(typed).expanduser()
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise UsageError(f"{typed} is too large for a picture: more than {LARGEST_BYTES >> 20} MiB.")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The picture {typed} cannot be read: {error.strerror}.") from error
    kind = mimetypes.guess_type(path.name)[0] or "image/png"  # the server looks for itself
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
