"""Reading bodies from sources that break."""

import io

import pytest

from lms.errors import InvalidRequest, PayloadTooLarge
from lms.server.body import read


class Broken:
    """Gives some bytes, then fails as gunicorn's parser does."""

    def __init__(self, error: Exception) -> None:
        self._pieces: list[bytes | Exception] = [b'{"model":', error]

    def read(self, size: int, /) -> bytes:
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece


def test_a_body_is_read_whole() -> None:
    assert read(io.BytesIO(b"x" * 200_000), 200_000) == b"x" * 200_000


def test_a_chunked_body_has_no_declared_length() -> None:
    assert read(io.BytesIO(b"{}"), None) == b"{}"


def test_an_empty_body_says_what_to_send() -> None:
    with pytest.raises(InvalidRequest, match="Send a JSON object"):
        read(io.BytesIO(b""), None)


def test_a_body_of_exactly_the_limit_is_read() -> None:
    assert len(read(io.BytesIO(b"x" * 10), None, limit_bytes=10)) == 10


def test_one_byte_over_the_limit_is_too_many() -> None:
    with pytest.raises(PayloadTooLarge, match="10 bytes"):
        read(io.BytesIO(b"x" * 11), None, limit_bytes=10)


def test_what_is_refused_is_read_on_so_that_the_client_hears_of_it_but_not_for_ever() -> None:
    source = io.BytesIO(b"x" * 10_000_000)
    with pytest.raises(PayloadTooLarge):
        read(source, None, limit_bytes=1_000_000)
    assert 2_000_000 <= source.tell() < 3_000_000


def test_a_body_that_ends_early_gives_both_lengths() -> None:
    with pytest.raises(InvalidRequest, match="after 3 of 5 bytes"):
        read(io.BytesIO(b"abc"), 5)


@pytest.mark.parametrize("error", [OSError("No more data"), ValueError("chunk"), Exception("Invalid chunk size")])
def test_whatever_a_parser_raises_is_the_clients_mistake(error: Exception) -> None:
    with pytest.raises(InvalidRequest, match="could not be read"):
        read(Broken(error), None)
