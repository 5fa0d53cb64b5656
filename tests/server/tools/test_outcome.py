"""What came of a call, in words and in pictures."""

from base64 import b64encode
from typing import Any

import pytest

from lms.generation.messages import Image, Text
from lms.mcp.protocol import Called
from lms.server.tools.outcome import of_answer

PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = {"type": "image", "data": b64encode(PNG).decode(), "mimeType": "image/png"}
SHOWN = Image(PNG, "tools[0]")


@pytest.mark.parametrize(
    ("content", "failed", "seen"),
    [
        ([{"type": "text", "text": "a"}], False, "a"),
        ([{"type": "text", "text": "a"}], True, "Error: a"),
        ([PICTURE], False, (SHOWN,)),
        ([{"type": "text", "text": "a"}, PICTURE], True, (Text("Error:"), Text("a"), SHOWN)),
        ([PICTURE | {"data": "?"}], False, "[image: image/png, not shown]"),
        ([PICTURE | {"data": "AAAA", "mimeType": "image/svg+xml"}], False, "[image: image/svg+xml, not shown]"),
        ([{"type": "image"}], False, "[something that is no text]"),
        ([{"type": "audio", "data": "", "mimeType": "audio/wav"}], False, "[audio: audio/wav, not shown]"),
    ],
)
def test_who_sees_is_shown_pictures_that_are_some(content: list[dict[str, Any]], failed: bool, seen: object) -> None:
    assert of_answer(Called(tuple(content), failed)).for_eyes("tools[0]") == seen
