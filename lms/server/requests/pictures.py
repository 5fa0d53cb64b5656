"""Pictures in requests, for every dialect: from a data URL or bare base64 to the bytes of a file.

No more than its first bytes are looked at here; the engine that is to see it finds out what is broken further in, and
names the same `param`. The limit: pictures come inside of the request. Nothing is fetched from anywhere.
"""

import binascii
from typing import Literal

from lms.errors import InvalidRequest
from lms.generation.messages import Image

# As OpenAI's `image_url.detail`: https://platform.openai.com/docs/guides/images-vision
Detail = Literal["auto", "low", "high"]

# What LM Studio shrinks pictures to by default, and what OpenAI makes of a picture of low detail.
LONGEST_SIDE_PX, LOW_DETAIL_PX = 1024, 512

_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def from_data_url(url: str, param: str, detail: Detail = "auto") -> Image:
    """The picture in `data:image/…;base64,…`; the type that it names does not matter.

    Raises InvalidRequest naming `param`: an address of a picture elsewhere, no base64, or no picture.
    """
    scheme, _, rest = url.partition(":")
    if scheme.lower() in ("http", "https"):
        raise InvalidRequest(
            f"“{param}” is the address of a picture, and this server fetches none.",
            hint="Send the picture itself: data:image/png;base64,…",
            param=param,
        )
    described, comma, encoded = rest.partition(",")
    if scheme.lower() != "data" or not comma or not described.lower().endswith(";base64"):
        raise InvalidRequest(
            f"“{param}” is no picture in base64.", hint="Send it as a data URL: data:image/png;base64,…", param=param
        )
    return from_base64(encoded, param, detail)


def from_base64(encoded: str, param: str, detail: Detail = "auto") -> Image:
    """The picture that `encoded` holds, line breaks or not. Raises InvalidRequest: no base64, or no picture."""
    try:
        content = binascii.a2b_base64("".join(encoded.split()), strict_mode=True)
    except ValueError as error:
        raise InvalidRequest(f"“{param}” is not valid base64: {str(error).rstrip('.')}.", param=param) from error
    if not _begins_as_a_picture(content):
        raise InvalidRequest(f"“{param}” is no picture in PNG, JPEG, WebP or GIF.", param=param)
    return Image(content, param, LOW_DETAIL_PX if detail == "low" else LONGEST_SIDE_PX)


def _begins_as_a_picture(content: bytes) -> bool:
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return webp or content.startswith(_BEGINNINGS)
