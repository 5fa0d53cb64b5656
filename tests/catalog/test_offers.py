"""Which files of a repo make up a model, and what typed words mean."""

import pytest

from lms.catalog.offers import OfferFormat, Repo, RepoFile, Wanted, choose, offers, wanted
from lms.errors import InvalidRequest, ModelNotFound


def repo(*paths: str, name: str = "maker/model-GGUF") -> Repo:
    """Files whose sizes are their places in the list."""
    return Repo(name, "c0ffee", tuple(RepoFile(path, size) for size, path in enumerate(paths, start=1)))


def paths(found: Repo, what: Wanted) -> list[str]:
    return [file.path for file in choose(found, what).files]


ANY = Wanted("maker/model-GGUF")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a/b", Wanted("a/b")),
        (" a/b@q4_k_m ", Wanted("a/b", quantization="q4_k_m")),
        ("https://huggingface.co/a/b", Wanted("a/b")),
        ("https://hf.co/a/b/", Wanted("a/b")),
        ("https://huggingface.co/a/b/tree/main", Wanted("a/b", "main")),
        ("https://huggingface.co/a/b/blob/v1/c%20d/e.gguf?x=1", Wanted("a/b", "v1", "c d/e.gguf")),
        ("https://huggingface.co/a/b/resolve/main/e.gguf?download=true", Wanted("a/b", "main", "e.gguf")),
        ("https://huggingface.co/a/b@Q8_0", Wanted("a/b", quantization="Q8_0")),
        ("a/b@", Wanted("a/b")),
        ("https://lmstudio.ai/models/a/b", Wanted("a/b")),
        ("https://www.lmstudio.ai/a/b/@q8_0", Wanted("a/b", quantization="q8_0")),
    ],
)
def test_names_and_addresses_are_understood(typed: str, meant: Wanted) -> None:
    assert wanted(typed) == meant


@pytest.mark.parametrize(
    "typed",
    ["", "a", "a/b/c", "a/", "/b", "a/..", ".a/b", "a b/c", "a/b@c@d", "http://huggingface.co/a/b",
     "https://huggingface.co.evil.com/a/b", "https://huggingface.co/a", "https://huggingface.co/a/b/discussions/1",
     "http://lmstudio.ai/a/b", "https://lmstudio.ai/download", "ftp://huggingface.co/a/b", "https://huggingface.co/a/%2e%2e"],
)  # fmt: skip
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        wanted(typed)
    assert refused.value.param == "model"


def test_another_hub_is_known_by_its_address() -> None:
    assert wanted("http://mirror:8080/a/b", endpoint="http://mirror:8080") == Wanted("a/b")


def test_two_quantizations_contradict_each_other() -> None:
    assert wanted("a/b@q8_0", "Q8_0").quantization == "Q8_0"
    with pytest.raises(InvalidRequest):
        wanted("a/b@q8_0", "Q4_0")


def test_q4_k_m_is_the_default_then_the_smallest_with_four_bits_then_the_largest() -> None:
    assert paths(repo("m-Q2_K.gguf", "m-Q4_0.gguf", "m-Q4_K_M.gguf"), ANY) == ["m-Q4_K_M.gguf"]
    assert paths(repo("m-Q2_K.gguf", "m-Q5_0.gguf", "m-Q8_0.gguf"), ANY) == ["m-Q5_0.gguf"]
    assert paths(repo("m-Q2_K.gguf", "m-Q3_K_S.gguf"), ANY) == ["m-Q3_K_S.gguf"]


def test_a_quantization_is_found_in_any_letter_case() -> None:
    assert paths(repo("m-q8_0.gguf", "m-q4_k_m.gguf"), Wanted("a/b", quantization="Q8_0")) == ["m-q8_0.gguf"]


def test_what_is_not_there_is_answered_with_what_is() -> None:
    with pytest.raises(ModelNotFound, match="It has Q4_K_M, Q8_0") as refused:
        choose(repo("m-Q8_0.gguf", "m-Q4_K_M.gguf"), Wanted("a/b", quantization="Q9"))
    assert refused.value.param == "quantization"


@pytest.mark.parametrize(
    ("files", "formats", "hint"),
    [
        (("README.md", "weights.bin"), ("gguf",), "lms get thing searches"),
        (("config.json", "model.safetensors"), ("gguf",), "lms get thing searches"),
        (("m-Q8_0.gguf",), ("mlx",), "lms get maker/thing"),
    ],
)
def test_where_there_is_no_such_format_it_is_said_what_to_do(
    files: tuple[str, ...], formats: tuple[OfferFormat, ...], hint: str
) -> None:
    with pytest.raises(ModelNotFound, match=f"no {formats[0].upper()} model") as refused:
        choose(repo(*files, name="maker/thing"), Wanted("maker/thing"), formats)
    assert hint in (refused.value.hint or "")


def test_shards_come_together_and_only_if_all_are_there() -> None:
    shards = [f"Q8_0/m-Q8_0-0000{number}-of-00002.gguf" for number in (1, 2)]
    assert paths(repo(*reversed(shards)), ANY) == shards
    assert offers(repo(shards[0])) == ()


def test_a_shard_that_is_named_means_all_of_them() -> None:
    shards = [f"m-Q8_0-0000{number}-of-00002.gguf" for number in (1, 2)]
    assert paths(repo(*shards, "m-Q4_K_M.gguf"), Wanted("a/b", file=shards[1])) == shards


def test_the_best_projector_comes_along_before_the_weights() -> None:
    found = repo("m-Q4_0.gguf", "mmproj-m-f32.gguf", "mmproj-m-F16.gguf", "mmproj-m-bf16.gguf")
    assert paths(found, ANY) == ["mmproj-m-F16.gguf", "m-Q4_0.gguf"]


def test_importance_matrices_and_hidden_files_are_no_models() -> None:
    assert offers(repo("m.imatrix.gguf", ".hidden.gguf", "a/../m.gguf", "/m.gguf", "a\\m.gguf", "a/b/c/m.gguf")) == ()


def test_a_folder_of_safetensors_is_one_model() -> None:
    found = repo(
        "config.json", "model.safetensors", "weights.bin", "README.md", "a/x.json", name="mlx-community/Qwen3-4B-4bit"
    )
    (offer,) = offers(found)
    assert (offer.format, offer.quantization) == ("mlx", "4bit")
    assert [file.path for file in offer.files] == ["config.json", "README.md", "model.safetensors"]


def test_gguf_comes_before_mlx_unless_mlx_is_asked_for() -> None:
    found = repo("config.json", "model.safetensors", "m-Q8_0.gguf")
    assert choose(found, ANY).format == "gguf"
    assert choose(found, ANY, ("mlx",)).format == "mlx"
