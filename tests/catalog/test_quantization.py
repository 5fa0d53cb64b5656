from pathlib import Path

import pytest

from lms.catalog.gguf import Header, Tensor
from lms.catalog.model import Quantization
from lms.catalog.quantization import name_token, quantization, without_token


def header(file_type: int | None, tensors: tuple[Tensor, ...] = ()) -> Header:
    return Header(3, {} if file_type is None else {"general.file_type": file_type}, tensors, 0)


@pytest.mark.parametrize(
    ("stem", "token", "rest"),
    [
        ("Qwen3-4B-Q4_K_M", "Q4_K_M", "Qwen3-4B"),
        ("llama-2-7b.Q8_0", "Q8_0", "llama-2-7b"),
        ("qwen2.5-0.5b-instruct-q4_0", "Q4_0", "qwen2.5-0.5b-instruct"),
        ("Qwen3-4B-UD-Q4_K_XL", "Q4_K_XL", "Qwen3-4B"),
        ("foo.i1-IQ2_XXS", "IQ2_XXS", "foo.i1"),
        ("gpt-oss-20b-MXFP4", "MXFP4", "gpt-oss-20b"),
        ("phi-3-fp16", "F16", "phi-3"),
        ("gemma-bf16", "BF16", "gemma"),
        ("phi-q4", "Q4", "phi"),
        ("tiny-chat", None, "tiny-chat"),
        ("q4-robot", None, "q4-robot"),
        ("Q4_K_M", "Q4_K_M", "Q4_K_M"),
    ],
)
def test_the_end_of_a_file_name_names_the_quantization(stem: str, token: str | None, rest: str) -> None:
    assert (name_token(stem), without_token(stem)) == (token, rest)


@pytest.mark.parametrize(
    ("file_type", "stem", "expected"),
    [
        (15, "model", "Q4_K_M"),
        (15 + 1024, "model", "Q4_K_M"),
        (15, "model-Q8_0", "Q4_K_M"),
        (15, "model-Q4_K_XL", "Q4_K_XL"),
        (15, "model-Q8_K_XL", "Q4_K_M"),
        (2, "model-Q4_K_M", "Q4_0"),
        (15, "model-q4", "Q4_K_M"),
        (None, "model-q5_k_s", "Q5_K_S"),
        (32, "model", "BF16"),
    ],
)
def test_the_header_decides_unless_the_name_is_finer(file_type: int | None, stem: str, expected: str) -> None:
    found = quantization(header(file_type), stem)
    assert found is not None
    assert found.name == expected


def test_without_a_file_type_or_a_telling_name_the_largest_tensors_decide() -> None:
    tensors = (Tensor("norm", (64,), 0, 0), Tensor("weight", (64, 640), 8, 0))
    assert quantization(header(None, tensors), "model") == Quantization("Q8_0", 8)


def test_nothing_known_is_none(tmp_path: Path) -> None:
    assert quantization(header(None), "model") is None
    assert quantization(header(777), "model") is None


@pytest.mark.parametrize(
    ("name", "bits"), [("IQ4_NL", 4), ("BF16", 16), ("F32", 32), ("TQ1_0", 1), ("MXFP4", 4), ("8bit", 8), ("odd", 0)]
)
def test_the_bits_are_the_number_in_the_name(name: str, bits: int) -> None:
    assert Quantization.named(name).bits == bits
