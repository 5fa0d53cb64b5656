from dataclasses import replace
from pathlib import Path

import pytest

from lms.catalog.listing import Listing, Variants
from lms.catalog.model import Format, Kind, Model, Quantization, Shape
from lms.errors import AmbiguousModel, ModelNotFound


def model(key: str, path: str, quantization: str | None = "Q4_K_M", *, bundled: bool = False) -> Model:
    """A model at `publisher/repo/file`."""
    return Model(
        key=key,
        publisher=path.split("/")[0],
        display_name=key,
        kind=Kind.LLM,
        format=Format.GGUF,
        arch="llama",
        quantization=Quantization.named(quantization) if quantization else None,
        size_bytes=1,
        params=None,
        params_label=None,
        max_context_length=2048,
        path=Path("/models") / path,
        relative_path=path,
        files=(Path("/models") / path,),
        projector=None,
        vision=False,
        tool_use=False,
        has_chat_template=True,
        reasoning=None,
        bundled=bundled,
        modified_s=0.0,
        shape=Shape(),
    )


def alone(key: str, path: str, quantization: str | None = "Q4_K_M", *, bundled: bool = False) -> Variants:
    one = model(key, path, quantization, bundled=bundled)
    return Variants(one, (one,))


QWEN_4 = model("qwen3-4b", "qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf")
QWEN_8 = model("qwen3-4b", "qwen/Qwen3-4B-GGUF/Qwen3-4B-Q8_0.gguf", "Q8_0")
LISTING = Listing(
    [
        Variants(QWEN_4, (QWEN_4, QWEN_8)),
        alone("gpt-oss-20b", "openai/gpt-oss-20b-GGUF/gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        alone("gpt-oss-120b", "openai/gpt-oss-120b-GGUF/gpt-oss-120b-MXFP4.gguf", "MXFP4"),
        alone("foo", "abc/Foo-GGUF/foo.gguf", None),
        alone("zed/foo", "zed/Foo-GGUF/foo.gguf", None),
        alone("tiny-chat", "lms/tiny-chat/tiny-chat.gguf", "F16", bundled=True),
    ]
)


def test_models_are_sorted_by_key() -> None:
    assert [model.key for model in LISTING.models] == sorted(model.key for model in LISTING.models)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("qwen3-4b", "qwen3-4b"),
        ("Qwen3-4B", "qwen3-4b"),
        (" qwen3-4b ", "qwen3-4b"),
        ("qwen3-4b@q4_k_m", "qwen3-4b"),
        ("qwen3-4b@q8_0", "qwen3-4b@q8_0"),
        ("QWEN3-4B@Q8_0", "qwen3-4b@q8_0"),
        ("qwen/qwen3-4b", "qwen3-4b"),
        ("qwen/qwen3-4b@q8_0", "qwen3-4b@q8_0"),
        ("qwen/Qwen3-4B-GGUF", "qwen3-4b"),
        ("qwen/Qwen3-4B-GGUF/", "qwen3-4b"),
        ("qwen/Qwen3-4B-GGUF@q8_0", "qwen3-4b@q8_0"),
        ("qwen/Qwen3-4B-GGUF/Qwen3-4B-Q8_0.gguf", "qwen3-4b@q8_0"),
        ("qwen/qwen3-4b-gguf/qwen3-4b-q4_k_m.gguf", "qwen3-4b"),
        ("/models/qwen/Qwen3-4B-GGUF/Qwen3-4B-Q8_0.gguf", "qwen3-4b@q8_0"),
        ("foo", "foo"),
        ("foo@?", "foo"),
        ("abc/foo", "foo"),
        ("zed/foo", "zed/foo"),
        ("zed/Foo-GGUF", "zed/foo"),
        ("lms/tiny-chat", "tiny-chat"),
    ],
)
def test_what_people_type_means_one_model(typed: str, key: str) -> None:
    assert LISTING.resolve(typed).key == key


def test_an_exact_key_wins_over_keys_that_contain_it() -> None:
    listing = Listing([alone("gpt", "a/gpt/a.gguf"), alone("gpt-2", "a/gpt-2/a.gguf")])
    assert listing.resolve("gpt", fuzzy=True).key == "gpt"


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("qwen", "qwen3-4b"),
        ("4B", "qwen3-4b"),
        ("oss-20", "gpt-oss-20b"),
        ("4b@q8", "qwen3-4b@q8_0"),
        ("tin", "tiny-chat"),
    ],
)
def test_a_part_that_only_one_key_has_is_enough_for_a_person(typed: str, key: str) -> None:
    assert LISTING.resolve(typed, fuzzy=True).key == key
    with pytest.raises(ModelNotFound):
        LISTING.resolve(typed)


def test_the_only_key_that_begins_so_wins_over_keys_that_have_it_inside() -> None:
    listing = Listing([alone("tiny-chat", "lms/chat/a.gguf"), alone("text-embedding-tiny", "lms/embedding/a.gguf")])
    assert listing.resolve("tiny", fuzzy=True).key == "tiny-chat"
    with pytest.raises(AmbiguousModel):
        listing.resolve("t", fuzzy=True)


def test_a_part_that_several_keys_have_names_them_sorted() -> None:
    with pytest.raises(AmbiguousModel) as caught:
        LISTING.resolve("gpt", fuzzy=True)
    assert caught.value.candidates == ("gpt-oss-120b", "gpt-oss-20b")
    assert "“gpt” could mean gpt-oss-120b, gpt-oss-20b." in caught.value.message


def test_a_repo_of_two_models_is_ambiguous() -> None:
    listing = Listing([alone("llama", "me/stuff/llama.gguf"), alone("qwen", "me/stuff/qwen.gguf")])
    with pytest.raises(AmbiguousModel) as caught:
        listing.resolve("me/stuff")
    assert caught.value.candidates == ("llama", "qwen")


def test_the_path_of_a_folder_means_the_model_in_it_and_not_its_other_variants() -> None:
    file = model("qwen3-4b", "qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf")
    folder = replace(model("qwen3-4b", "qwen/Qwen3-4B-MLX-4bit", "4bit"), format=Format.MLX)
    listing = Listing([Variants(file, (file, folder))])
    assert listing.resolve("qwen/Qwen3-4B-MLX-4bit").key == "qwen3-4b@4bit"
    assert [each.key for each in listing.meant("qwen/qwen3-4b-mlx-4bit")] == ["qwen3-4b@4bit"]
    assert listing.resolve("qwen/qwen3-4b").key == "qwen3-4b"


def test_an_unknown_model_is_answered_with_what_there_is() -> None:
    with pytest.raises(ModelNotFound) as caught:
        LISTING.resolve("nope")
    assert "“nope”" in caught.value.message
    assert "foo, gpt-oss-120b, gpt-oss-20b, qwen3-4b, zed/foo and 1 more" in caught.value.message
    assert caught.value.hint == "lms ls shows what is on disk, lms get finds more."


def test_an_unknown_variant_is_answered_with_the_variants() -> None:
    with pytest.raises(ModelNotFound) as caught:
        LISTING.resolve("qwen3-4b@q2_k")
    assert "qwen3-4b@q4_k_m, qwen3-4b@q8_0" in caught.value.message


@pytest.mark.parametrize("typed", ["", "@", "/", "@q4_k_m", "\x00", "a" * 10_000, "qwen3-4b@"])
def test_odd_words_mean_nothing(typed: str) -> None:
    for fuzzy in (False, True):
        with pytest.raises((ModelNotFound, AmbiguousModel)):
            Listing([]).resolve(typed, fuzzy=fuzzy)
    with pytest.raises(ModelNotFound):
        LISTING.resolve(typed)


def test_an_empty_catalog_says_so() -> None:
    with pytest.raises(ModelNotFound, match="no models on disk"):
        Listing([]).resolve("x")


def test_a_model_with_several_quantizations_names_its_variants() -> None:
    entry = LISTING.resolve("qwen3-4b")
    assert entry.variants == ("qwen3-4b@q4_k_m", "qwen3-4b@q8_0")
    assert entry.selected_variant == "qwen3-4b@q4_k_m"
    assert [variant.key for variant in LISTING.variants(entry)] == list(entry.variants)
    assert LISTING.variants(LISTING.resolve("qwen3-4b@q8_0")) == LISTING.variants(entry)


def test_a_model_with_one_quantization_has_no_variants_to_name() -> None:
    entry = LISTING.resolve("foo")
    assert (entry.variants, entry.selected_variant) == ((), None)
    assert [variant.key for variant in LISTING.variants(entry)] == ["foo@?"]
