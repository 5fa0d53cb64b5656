"""Pictures in requests: what is taken, and what is refused by the field's name."""

import base64

import pytest

from lms.errors import InvalidRequest
from lms.generation.messages import Image
from lms.server.requests.pictures import from_base64, from_data_url

PNG, JPEG = b"\x89PNG\r\n\x1a\nrest", b"\xff\xd8\xff\xe0rest"
WEBP, GIF = b"RIFF\x10\x00\x00\x00WEBPVP8 ", b"GIF89arest"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("content", [PNG, JPEG, WEBP, GIF])
@pytest.mark.parametrize(
    "head", ["data:image/png;base64,", "data:image/jpg;base64,", "data:;base64,", "DATA:image/x;q=1;BASE64,"]
)
def test_the_content_decides_whatever_type_is_named(head: str, content: bytes) -> None:
    assert from_data_url(head + encoded(content), "url") == Image(content, "url")


def test_base64_may_be_wrapped() -> None:
    assert from_base64(f"{encoded(PNG)[:8]}\r\n {encoded(PNG)[8:]}\n", "data").data == PNG


def test_low_detail_is_a_smaller_picture() -> None:
    sides = [from_base64(encoded(PNG), "data", detail).longest_side_px for detail in ("auto", "high", "low")]
    assert sides == [1024, 1024, 512]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/cat.png", "fetches none"),
        ("HTTPS://example.com/cat.png", "fetches none"),
        ("file:///etc/passwd", "no picture in base64"),
        ("/tmp/cat.png", "no picture in base64"),
        ("", "no picture in base64"),
        ("data:image/png,plain", "no picture in base64"),
        ("data:image/png;base64", "no picture in base64"),
        ("data:image/png;base64,", "no picture in PNG"),
        ("data:image/png;base64,###", "not valid base64"),
        ("data:image/png;base64,aGVsbG8", "not valid base64"),
        ("data:image/png;base64,ü", "not valid base64"),
        ("data:application/pdf;base64," + encoded(b"%PDF-1.7"), "no picture in PNG"),
        ("data:image/svg+xml;base64," + encoded(b"<svg/>"), "no picture in PNG"),
        ("data:audio/wav;base64," + encoded(b"RIFF\x10\x00\x00\x00WAVE"), "no picture in PNG"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(url: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as refused:
        from_data_url(url, "messages[0].content[1].image_url.url")
    assert refused.value.param == "messages[0].content[1].image_url.url"
    assert refused.value.param in refused.value.message
