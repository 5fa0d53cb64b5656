import io
import struct
import time
import tracemalloc
from pathlib import Path

import gguf as oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lms.catalog import gguf
from lms.catalog.ggml_types import FILE_TYPES, TENSOR_TYPES
from lms.errors import ModelDamaged

from .files import write_gguf


def parse(content: bytes) -> gguf.Header:
    return gguf.read_stream(io.BytesIO(content), len(content))


def reason(content: bytes) -> str:
    with pytest.raises(ModelDamaged) as caught:
        parse(content)
    return caught.value.message


def outcome(content: bytes) -> str:
    """The reason why `content` is damaged, or that it is sound; any other exception passes."""
    try:
        parse(content)
    except ModelDamaged as damage:
        return damage.message
    return "It is sound."


def start(tensors: int = 0, keys: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def text(content: str) -> bytes:
    return struct.pack("<Q", len(content)) + content.encode()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("gguf") / "sound.gguf"
    write_gguf(
        path,
        dimensions={"block_count": 2, "attention.head_count_kv": [2, 0]},
        name="Ünïcode",
        vocabulary=200,
        tensors={"a": (64,)},
    )
    return path.read_bytes()


def test_the_header_is_what_the_reference_reader_sees(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "a.gguf", tensors={"a.weight": (3, 64), "b.weight": (64,)}, chat_template="{{ x }}")
    expected, header = oracle.GGUFReader(path), gguf.read(path)
    kept = {key: value for key, value in header.metadata.items() if not isinstance(value, gguf.Array)}
    assert kept == {key: expected.fields[key].contents() for key in kept}
    assert [(t.name, list(t.shape), t.type_id) for t in header.tensors] == [
        (t.name, t.shape.tolist(), int(t.tensor_type)) for t in expected.tensors
    ]
    last = expected.tensors[-1]
    assert header.needed_bytes == last.data_offset + last.n_bytes


def test_tensor_and_file_types_agree_with_the_reference() -> None:
    sizes = {kind: size for kind, size in oracle.GGML_QUANT_SIZES.items() if int(kind) in TENSOR_TYPES}
    assert {int(kind): (kind.name, *size) for kind, size in sizes.items()} == TENSOR_TYPES
    named = {kind: name.replace("MXFP4", "MXFP4_MOE") for kind, name in FILE_TYPES.items()}
    assert {
        int(kind): kind.name.removeprefix("MOSTLY_").removeprefix("ALL_")
        for kind in oracle.LlamaFileType
        if int(kind) in FILE_TYPES
    } == named


def test_a_vocabulary_keeps_only_its_length_and_its_place(sound: bytes) -> None:
    array = parse(sound).metadata["tokenizer.ggml.tokens"]
    assert isinstance(array, gguf.Array)
    assert (array.length, array.items) == (200, None)
    assert sound[array.start : array.end].endswith(text("token 199"))


def test_numbers_per_layer_are_kept(sound: bytes) -> None:
    assert parse(sound).integers("llama.attention.head_count_kv") == (2, 0)


def test_a_vocabulary_across_chunk_borders_is_stepped_over(tmp_path: Path) -> None:
    content = write_gguf(tmp_path / "a.gguf", vocabulary=50_000, chat_template="after").read_bytes()
    assert parse(content).length("tokenizer.ggml.tokens") == 50_000
    assert parse(content).needed_bytes <= len(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"GG", "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html>", "web page"),
        (b"ggml" * 10, "does not start"),
        (start(version=1), "version 1"),
        (start(version=9), "version 9"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (start(tensors=1 << 60), "1,152,921,504,606,846,976 tensors"),
        (start(keys=1 << 60), "metadata keys"),
        (start(keys=2) + (text("a") + struct.pack("<IB", 0, 1)) * 2, "“a” twice"),
        (start(keys=1) + text("a") + struct.pack("<I", 99) + bytes(20), "unknown type 99"),
        (start(keys=1) + text("a") + struct.pack("<IIQ", 9, 9, 1) + bytes(20), "unknown type 9"),
        (start(keys=1) + text("a") + struct.pack("<IIQ", 9, 8, 1 << 50) + bytes(20), "longer list"),
        (start(keys=1) + text("a") + struct.pack("<IIQ", 9, 4, 1 << 50) + bytes(20), "ends inside its header"),
        (start(keys=1) + text("a") + struct.pack("<IQ", 8, 1 << 50) + bytes(20), "ends inside its header"),
        (start(keys=1) + text("a") + struct.pack("<IIQQ", 9, 8, 2, 1 << 63) + bytes(20), "ends inside its header"),
        (start(keys=1) + text("general.alignment") + struct.pack("<II", 4, 0), "alignment"),
        (start(tensors=1) + text("t") + struct.pack("<I", 1 << 30) + bytes(99), "dimensions"),
    ],
)
def test_damage_has_a_reason(content: bytes, expected: str) -> None:
    assert expected in reason(content)


def test_a_text_longer_than_any_real_one_is_refused_before_it_is_read() -> None:
    content = (
        start(keys=1) + text("a") + struct.pack("<IQ", 8, gguf.MAX_TEXT_BYTES + 1) + bytes(gguf.MAX_TEXT_BYTES + 9)
    )
    assert "more text" in reason(content)


def test_many_long_texts_are_refused_before_they_fill_memory() -> None:
    long = bytes(gguf.MAX_TEXT_BYTES)
    entries = (text(f"{n}") + struct.pack("<IQ", 8, len(long)) + long for n in range(20))
    assert "more text" in reason(start(keys=20) + b"".join(entries))


def test_a_tensor_of_a_type_from_the_future_needs_nothing() -> None:
    header = parse(start(tensors=1) + text("t") + struct.pack("<IQIQ", 1, 1 << 40, 999, 0))
    assert header.tensors[0].type_id == 999
    assert header.needed_bytes <= 96


@given(cut=st.floats(0, 1, exclude_max=True))
@settings(max_examples=200, deadline=None)
def test_a_header_cut_anywhere_is_damaged(sound: bytes, cut: float) -> None:
    header_bytes = parse(sound).needed_bytes - 64 * 4 - 32
    said = reason(sound[: int(header_bytes * cut)])
    assert any(word in said for word in ("empty", "start with the letters", "ends inside its header")), said


@given(st.binary(max_size=400))
@example(start(tensors=65_536, keys=65_536))
@settings(max_examples=300, deadline=None)
def test_bytes_after_a_sound_start_raise_nothing_but_damage(tail: bytes) -> None:
    for content in (tail, start(1, 1) + tail, start(0, 3) + text("a") + struct.pack("<I", 9) + tail):
        assert outcome(content).endswith(".")


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), width=st.integers(1, 8))
@settings(max_examples=300, deadline=None)
def test_a_sound_file_with_bytes_overwritten_raises_nothing_but_damage(
    sound: bytes, place: float, value: int, width: int
) -> None:
    at = int(len(sound) * place)
    content = sound[:at] + bytes([value]) * width + sound[at + width :]
    assert outcome(content).endswith(".")


HOSTILE = {
    "empty texts": start(keys=1) + text("a") + struct.pack("<IIQ", 9, 8, gguf.MAX_SKIPPED_TEXTS),
    "empty tensors": start(tensors=gguf.MAX_ENTRIES),
    "numbers": start(keys=1) + text("a") + struct.pack("<IIQ", 9, 12, 1 << 33),
}


def sparse(path: Path, head: bytes) -> Path:
    """128 GiB of zeros behind `head`, none of them on disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(1 << 37)
    return path


@pytest.mark.parametrize("head", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_huge_hostile_file_costs_little_time(tmp_path: Path, head: bytes) -> None:
    began_s = time.process_time()
    gguf.read(sparse(tmp_path / "a.gguf", head))
    assert time.process_time() - began_s < 2


@pytest.mark.parametrize("head", [HOSTILE["empty tensors"], HOSTILE["numbers"]])
def test_a_huge_hostile_file_costs_little_memory(tmp_path: Path, head: bytes) -> None:
    tracemalloc.start()
    gguf.read(sparse(tmp_path / "a.gguf", head))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 32 << 20
