"""What a model is shown of a picture's file, and which files are refused."""

import io
from typing import Any

import pytest
from PIL import Image

from lms.engine import pictures
from lms.engine.pictures import Pixels, decoded
from lms.errors import InvalidRequest
from lms.generation.messages import Image as Sent
from tests.engine.projectors import picture

RED, WHITE = bytes((255, 0, 0)), bytes((255, 255, 255))


def shown(content: bytes, longest_side_px: int = 1024) -> Pixels:
    (only,) = decoded([Sent(content, "field", longest_side_px)])
    return only


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def refusal(*contents: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        decoded([Sent(content, f"field[{index}]") for index, content in enumerate(contents)])
    return refused.value


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "JPEG"])
def test_every_format_shows_what_was_drawn(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = shown(picture("red", (40, 30), kind, **options))
    assert (pixels.width, pixels.height, len(pixels.rgb)) == (40, 30, 40 * 30 * 3)
    assert max(abs(seen - drawn) for seen, drawn in zip(pixels.rgb[:3], RED, strict=True)) <= 2
    assert pixels.rgb[-3:] == WHITE


def test_a_large_picture_is_shrunk_to_what_it_asks_for_and_keeps_its_shape() -> None:
    pixels = shown(picture("red", (800, 400)), longest_side_px=100)
    assert (pixels.width, pixels.height) == (100, 50)


def test_a_small_picture_stays_as_it_is() -> None:
    assert shown(picture("red", (8, 8))).width == 8


def test_what_is_transparent_is_white() -> None:
    pixels = shown(saved(Image.new("RGBA", (4, 4), (255, 0, 0, 0))))
    assert set(pixels.rgb) == {255}


def test_a_palette_may_be_transparent_too() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    assert shown(saved(image, transparency=0)).rgb[:3] == WHITE


def test_a_picture_that_was_taken_sideways_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned to the right
    assert (lambda seen: (seen.width, seen.height))(shown(picture("red", (40, 30), "JPEG", exif=exif))) == (30, 40)


def test_grey_of_sixteen_bits_is_grey() -> None:
    image = Image.new("I;16", (4, 4), 32768)
    assert 126 <= shown(saved(image)).rgb[0] <= 129


def test_of_a_pair_as_telephones_take_them_the_first_picture_is_shown() -> None:
    left, right = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
    pair = saved(left, "MPO", save_all=True, append_images=[right])
    assert pair.startswith(b"\xff\xd8\xff")
    assert shown(pair).rgb[0] > 250


def test_four_colours_of_printers_are_three() -> None:
    assert shown(saved(Image.new("CMYK", (4, 4), (0, 0, 0, 0)), "JPEG")).rgb[:3] == WHITE


def test_of_an_animation_the_first_picture_is_shown() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    assert shown(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])).rgb[:3] == RED


@pytest.mark.parametrize("kept", [10, 0.5, -20])
def test_a_picture_that_is_cut_off_is_refused_by_its_field(kept: float) -> None:
    whole = picture("red", (200, 200), "JPEG")
    cut = whole[: int(len(whole) * kept) if isinstance(kept, float) else kept]
    refused = refusal(picture("red"), cut)
    assert refused.param == "field[1]"
    assert "is no whole picture" in refused.message


@pytest.mark.parametrize("content", [picture("red", kind="BMP"), b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_in_no_known_format_is_refused_without_a_word_of_pillow(content: bytes) -> None:
    assert refusal(content).message == "“field[0]” is no whole picture in PNG, JPEG, WEBP, GIF."


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    assert "64 × 48 pixels" in refusal(picture("red")).message


def test_pictures_of_too_many_pixels_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_TOGETHER", 64 * 48 + 10)
    refused = refusal(picture("red"), picture("blue"))
    assert (refused.param, "one too many" in refused.message) == ("field[1]", True)


def test_a_picture_like_a_thread_is_refused() -> None:
    assert "too thin" in refusal(picture("red", (4, 900))).message
