from hypothesis import given
from hypothesis import strategies as st

from lms.text.utf8 import TextAssembler


def assembled(pieces: list[bytes]) -> str:
    assembler = TextAssembler()
    return "".join([*map(assembler.feed, pieces), assembler.flush()])


def test_a_character_is_held_back_until_its_last_byte() -> None:
    assembler = TextAssembler()
    assert [assembler.feed(bytes([byte])) for byte in "é🎈".encode()] == ["", "é", "", "", "", "🎈"]
    assert assembler.flush() == ""


def test_a_character_that_is_never_completed_is_replaced_at_the_end() -> None:
    assembler = TextAssembler()
    assert assembler.feed(b"ok\xf0\x9f") == "ok"
    assert assembler.flush() == "�"


def test_bytes_that_are_no_utf8_are_replaced_and_the_rest_goes_on() -> None:
    assert assembled([b"a\xff", b"b\xc3", b"c"]) == "a�b�c"


@given(st.lists(st.binary(max_size=6)))
def test_the_cut_into_tokens_changes_nothing(pieces: list[bytes]) -> None:
    assert assembled(pieces) == b"".join(pieces).decode(errors="replace")
