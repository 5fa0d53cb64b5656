from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.catalog.keys import Nameable, assign, clean, repo_name
from lms.catalog.model import Kind


def entry(
    path: str, quantization: str = "q4_k_m", *, family: str = "", bundled: bool = False, kind: Kind = Kind.LLM
) -> Nameable:
    """An entry of `publisher/repo/file`."""
    publisher, repo, _ = path.split("/")
    return Nameable(
        in_models_dir=not bundled,
        publisher=publisher,
        repo=repo,
        family=family or repo,
        quantization=quantization,
        path=("bundled/" if bundled else "models/") + path,
        home=f"{publisher}/{repo}",
        relative_path=path,
        kind=kind,
    )


def keys(*entries: Nameable, known: dict[str, str] | None = None) -> list[str]:
    named = assign(entries, known or {})
    return [named[entry.path] for entry in entries]


def test_a_name_of_its_own_is_the_key() -> None:
    assert keys(entry("pub/foo/a"), entry("pub/bar/a")) == ["foo", "bar"]


def test_quantizations_of_one_repo_share_a_key() -> None:
    assert keys(entry("pub/foo/a", "q4_k_m"), entry("pub/foo/b", "q8_0")) == ["foo", "foo"]


def test_repos_of_one_publisher_with_one_name_are_variants() -> None:
    mlx = Nameable(True, "pub", "foo", "foo", "4bit", "models/pub/foo-4bit", "pub/foo-4bit", "pub/foo-4bit", Kind.LLM)
    assert keys(entry("pub/foo/a"), mlx) == ["foo", "foo"]


def test_of_two_publishers_the_first_in_the_alphabet_has_the_bare_name() -> None:
    assert keys(entry("zed/foo/a"), entry("abc/foo/a")) == ["zed/foo", "foo"]


def test_a_name_once_given_is_kept_when_an_earlier_publisher_arrives() -> None:
    known = assign([entry("zed/foo/a")], {})
    assert keys(entry("zed/foo/a"), entry("abc/foo/a"), known=known) == ["foo", "abc/foo"]


def test_a_new_quantization_joins_the_model_under_the_key_that_it_has() -> None:
    known = {"models/zed/foo/a": "foo", "models/abc/foo/a": "abc/foo"}
    assert keys(
        entry("zed/foo/a"), entry("abc/foo/a"), entry("abc/foo/b", "q8_0"), entry("zed/foo/b", "q8_0"), known=known
    ) == ["foo", "abc/foo", "abc/foo", "foo"]


def test_a_folder_of_different_models_names_them_after_their_files() -> None:
    assert keys(entry("me/stuff/a", family="llama-3"), entry("me/stuff/b", family="qwen-3")) == ["llama-3", "qwen-3"]


def test_the_first_of_them_keeps_the_folders_name_when_it_was_alone() -> None:
    known = assign([entry("me/stuff/a", family="llama-3")], {})
    entries = [entry("me/stuff/a", family="llama-3"), entry("me/stuff/b", family="qwen-3")]
    assert keys(*entries, known=known) == ["stuff", "qwen-3"]
    assert keys(*entries, entry("me/stuff/c", "q8_0", family="llama-3"), known=known)[2] == "stuff"


def test_two_files_of_one_quantization_have_two_keys() -> None:
    named = keys(entry("me/foo/a", family="foo"), entry("me/foo/b", family="foo"))
    assert len(set(named)) == 2


def test_embedding_models_have_their_prefix_once() -> None:
    assert keys(
        entry("nomic-ai/nomic-embed/a", kind=Kind.EMBEDDING),
        entry("x/text-embedding-foo/a", kind=Kind.EMBEDDING),
        entry("y/nomic-embed/a", kind=Kind.EMBEDDING),
    ) == ["text-embedding-nomic-embed", "text-embedding-foo", "y/text-embedding-nomic-embed"]


def test_bundled_models_have_the_bare_name_whoever_had_it() -> None:
    known = {"models/abc/tiny-chat/a": "tiny-chat"}
    assert keys(entry("abc/tiny-chat/a"), entry("lms/tiny-chat/a", bundled=True), known=known) == [
        "abc/tiny-chat",
        "tiny-chat",
    ]


NAMES = st.sampled_from(["a", "b", "c"])
ENTRIES = st.builds(
    lambda publisher, repo, family, quantization: entry(
        f"{publisher}/{repo}/{family}-{quantization}", quantization, family=family
    ),
    NAMES,
    NAMES,
    NAMES,
    st.sampled_from(["q4_0", "q8_0", "?"]),
)


@given(st.lists(st.lists(ENTRIES, max_size=6), max_size=5))
def test_a_key_never_changes_because_models_arrive(arrivals: list[list[Nameable]]) -> None:
    present: dict[str, Nameable] = {}
    known: dict[str, str] = {}
    for arrived in arrivals:
        present |= {entry.path: entry for entry in arrived}
        named = assign(present.values(), known)
        assert {path: named[path] for path in known} == known
        known = named


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.path))
def test_every_model_can_be_told_apart(entries: list[Nameable]) -> None:
    named = assign(entries, {})
    assert len({(named[entry.path], entry.quantization) for entry in entries}) == len(entries)


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.path), st.randoms())
def test_the_order_of_the_files_does_not_matter(entries: list[Nameable], random: Random) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert assign(entries, {}) == assign(shuffled, {})


@pytest.mark.parametrize(
    ("repo", "quantization", "expected"),
    [
        ("Meta-Llama-3.1-8B-Instruct-GGUF", "q4_k_m", "meta-llama-3.1-8b-instruct"),
        ("Qwen2-VL-7B-Instruct-4bit", "4bit", "qwen2-vl-7b-instruct"),
        ("Qwen3-4B-MLX-4bit", "4bit", "qwen3-4b"),
        ("Qwen3-4B-4bit", "8bit", "qwen3-4b-4bit"),
        ("gguf", "q4_0", "gguf"),
        ("My Model@home", "q4_0", "my-model-home"),
    ],
)
def test_a_repo_name_loses_what_its_quantizations_do_not_share(repo: str, quantization: str, expected: str) -> None:
    assert repo_name(repo, quantization) == expected


def test_keys_have_no_white_space() -> None:
    assert clean("A  B\u3000C") == "a-b-c"
