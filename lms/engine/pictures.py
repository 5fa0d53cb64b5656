"""From the bytes of a picture's file to its pixels. The only door to Pillow.

Pictures are decoded in the engine's thread, where everybody waits for it, so what they may hold is bounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import PIL.Image
from PIL import ImageOps

from lms.errors import InvalidRequest
from lms.generation.messages import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")

# Of one picture, and of all in a request together. Telephones take fifty million. To decode and shrink them takes 1.4 s
# for a PNG, 0.9 for a WebP, and 0.1 for a JPEG, of which no more is decoded than is wanted.
MOST_PIXELS, MOST_TOGETHER = 64_000_000, 128_000_000
# Encoders cut pictures into squares, and some have none left of a thinner one.
MOST_STRETCHED = 100

PIL.Image.MAX_IMAGE_PIXELS = None  # the check is ours


@dataclass(frozen=True)
class Pixels:
    """Rows from above, in each from the left, three bytes for each pixel: red, green, blue."""

    width: int
    height: int
    rgb: bytes


def decoded(images: Iterable[Image]) -> list[Pixels]:
    """What `images` show, upright, on white where they are transparent, and no larger than they ask for; of several
    pictures in a file, the first. Raises InvalidRequest for what is no picture, and for what is too large or thin.
    """
    shown, left = list[Pixels](), MOST_TOGETHER
    for image in images:
        try:
            with PIL.Image.open(BytesIO(image.data), formats=FORMATS) as opened:
                left -= _pixels_to_decode(opened, image)
                if left < 0:
                    raise _refused(image, f"is one too many: {MOST_TOGETHER:,} pixels in all are taken in a request")
                shown.append(_shown(opened, image.longest_side_px))
        except InvalidRequest:
            raise
        except PIL.UnidentifiedImageError as error:
            raise _refused(image, f"is no whole picture in {', '.join(FORMATS)}") from error
        except Exception as error:  # a file by someone else: Pillow's readers raise whatever they stumble on
            why = str(error).rstrip(".") or type(error).__name__
            raise _refused(image, f"is no whole picture: {why}") from error
    return shown


def _pixels_to_decode(opened: PIL.Image.Image, image: Image) -> int:
    width, height = opened.size
    if width * height > MOST_PIXELS:
        raise _refused(image, f"has {width} × {height} pixels, and {MOST_PIXELS:,} are taken; it is shrunk anyway")
    if max(width, height) > MOST_STRETCHED * min(width, height):
        raise _refused(image, f"has {width} × {height} pixels, too thin to see anything in it")
    opened.draft("RGB", (image.longest_side_px, image.longest_side_px))
    return opened.width * opened.height


def _shown(opened: PIL.Image.Image, longest_side_px: int) -> Pixels:
    frame = ImageOps.exif_transpose(opened)
    if frame.mode.startswith("I;16"):  # which `convert` would cut off at 255
        frame = frame.point(lambda value: value / 256, "L")
    frame = frame.convert("RGBA" if frame.has_transparency_data else "RGB")
    frame.thumbnail((longest_side_px, longest_side_px))
    if frame.mode == "RGBA":
        white = PIL.Image.new("RGBA", frame.size, "white")
        frame = PIL.Image.alpha_composite(white, frame).convert("RGB")
    return Pixels(frame.width, frame.height, frame.tobytes())


def _refused(image: Image, why: str) -> InvalidRequest:
    named = f"“{image.param}”" if image.param else "A picture"
    return InvalidRequest(f"{named} {why}.", param=image.param or None)
