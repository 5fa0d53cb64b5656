import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.engine import state_format
from lms.engine.state_format import StateDamaged, file_bytes, file_name, read_head, read_state

KEY, TOKENS, STATE = b"k" * 16, [1, 70_000, 2**31 - 1], b"the state of a sequence"
NAME = file_name(KEY, TOKENS)


def packed(key: bytes = KEY, tokens: list[int] = TOKENS, state: bytes = STATE) -> bytes:
    file = io.BytesIO()
    state_format.write(file, key, tokens, state)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("states")


def stored(folder: Path, content: bytes, name: str = NAME) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_what_was_written_is_read(folder: Path) -> None:
    path = stored(folder, packed())
    head = read_head(path)
    assert (head.key, head.tokens, head.state_bytes, head.name) == (KEY, TOKENS, len(STATE), NAME)
    assert read_state(path) == STATE
    assert path.stat().st_size == file_bytes(len(TOKENS), len(STATE))


def test_a_file_is_laid_out_as_documented() -> None:
    head = "4c4d537374617465 01000000 6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b 01000000 1700000000000000"
    checksum, token = "791654c2", "02010000"
    assert packed(tokens=[258]) == bytes.fromhex(head + checksum + token) + STATE


@given(at=st.integers(0, len(packed()) - 1), bit=st.integers(0, 7))
def test_one_bit_that_flipped_anywhere_is_noticed(folder: Path, at: int, bit: int) -> None:
    content = bytearray(packed())
    content[at] ^= 1 << bit
    path = stored(folder, bytes(content))
    with pytest.raises(StateDamaged):
        read_state(path)


@pytest.mark.parametrize("length", range(len(packed())))
def test_a_file_that_was_cut_off_is_noticed_without_reading_the_state(folder: Path, length: int) -> None:
    path = stored(folder, packed()[:length])
    with pytest.raises(StateDamaged):
        read_head(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed() + b"\0", "size"),
        (b"something else entirely, but long enough for a head", "no stored state"),
        (packed()[:8] + b"\x02" + packed()[9:], "format 2"),
        (packed(tokens=[1, 2, 3]), "tokens"),
        (packed(key=b"other key" + b"." * 7), "tokens"),
        (bytes(len(packed())), "no stored state"),  # as a power cut may leave it
    ],
)
def test_the_reason_is_said(folder: Path, content: bytes, reason: str) -> None:
    path = stored(folder, content)
    with pytest.raises(StateDamaged, match=reason):
        read_head(path)


def test_a_head_that_claims_petabytes_is_refused_without_asking_for_the_memory(folder: Path) -> None:
    content = bytearray(packed())
    content[32:40] = (2**62).to_bytes(8, "little")
    path = stored(folder, bytes(content))
    with pytest.raises(StateDamaged, match="size"):
        read_state(path)
