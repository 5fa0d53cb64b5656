import io
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.catalog import safetensors
from lms.errors import ModelDamaged

from .files import MLX_TENSORS, write_safetensors


def parse(content: bytes) -> dict[str, safetensors.Tensor]:
    return safetensors.read_stream(io.BytesIO(content), len(content))


def outcome(content: bytes) -> str:
    """The reason why `content` is damaged, or that it is sound; any other exception passes."""
    try:
        parse(content)
    except ModelDamaged as damage:
        return damage.message
    return "It is sound."


def packed(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def test_names_types_and_shapes_are_read_and_metadata_is_left_out(tmp_path: Path) -> None:
    tensors = safetensors.read(write_safetensors(tmp_path / "a.safetensors", MLX_TENSORS))
    assert {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()} == dict(MLX_TENSORS)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "too short"),
        (b"<!DOCTYPE html><html>", "length"),
        (packed(b"[]"), "no safetensors header"),
        (packed(b'{"a": 5}'), "no safetensors header"),
        (packed(b'{"a":' + b"[" * 100_000), "no safetensors header"),
        (packed(b"\xff\xfe"), "no safetensors header"),
        (struct.pack("<Q", 1000) + b"{}", "ends inside its header"),
        (packed(json.dumps({"a": {"dtype": "F16", "shape": [5], "data_offsets": [0, 10]}}).encode()), "cut off"),
    ],
)
def test_damage_has_a_reason(content: bytes, expected: str) -> None:
    with pytest.raises(ModelDamaged) as caught:
        parse(content)
    assert expected in caught.value.message


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_raise_nothing_but_damage(tail: bytes) -> None:
    for content in (tail, packed(tail), packed(b'{"a":{"dtype":"F16","shape":[1],"data_offsets":' + tail)):
        assert outcome(content).endswith(".")
