"""Pictures from disk, as messages carry them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lms.errors import UsageError
from lms.server.requests.pictures import from_base64

LARGEST_BYTES = 64 << 20


def message(text: str, pictures: Sequence[str]) -> dict[str, Any]:
    """What the user says, with the pictures at those paths. Raises UsageError for one that cannot be read."""
    if not pictures:
        return {"role": "user", "content": text}
    shown = [{"type": "image_url", "image_url": {"url": data_url(path)}} for path in pictures]
    return {"role": "user", "content": [*shown, {"type": "text", "text": text}]}


def data_url(typed: str) -> str:
    """The picture as a data URL. Raises UsageError when it cannot be read, InvalidRequest when it is none."""
    path = Path(typed).expanduser()
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise UsageError(f"{typed} is too large for a picture: more than {LARGEST_BYTES >> 20} MiB.")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The picture {typed} cannot be read: {error.strerror}.") from error
    encoded = base64.b64encode(content).decode()
    from_base64(encoded, typed)
    return f"data:image/png;base64,{encoded}"  # the server looks for itself what it is
